import { describe, expect, it } from "vitest";

import { learnServerTime, serverNow } from "$shared/api/clock";
import { ApiProblem } from "$shared/api/problem";
import { Session, type SessionMessage, type SessionPorts } from "./session";
import type { ClerkSession } from "./types";

const CLERK = { clerk_id: "c1", name: "Mara Beck", role: "clerk", office: "heidelberg" } as const;
const refusal = (status: number): ApiProblem => new ApiProblem(status, status === 401 ? "session_ended" : "http", "", "");

/** A server, a clock and a browser in one object, steered by the test. */
function world() {
  const state = {
    now: 0,
    issued: 0,
    remembered: true,
    refreshes: 0,
    answer: "grant" as "grant" | number | Error,
    /** The next refreshes are answered when this is over. */
    gate: Promise.resolve() as Promise<void>,
    before: Promise.resolve() as Promise<unknown>,
    timers: [] as { at: number; run: () => void }[],
    told: [] as SessionMessage[],
    signedOut: 0,
    signOutAsked: (): void => {},
    hear: (_message: SessionMessage): void => {},
    unsaved: false,
  };
  const grant = (): ClerkSession => {
    state.issued += 1;
    return { access_token: `token-${state.issued}`, expires_at: new Date(state.now + 600_000).toISOString(), clerk: CLERK };
  };
  const ports: SessionPorts = {
    signIn: async (_office, _username, password) => {
      if (password !== "right") throw new ApiProblem(401, "sign_in_refused", "", "");
      return grant();
    },
    refresh: async () => {
      state.refreshes += 1;
      await state.gate;
      if (state.answer instanceof Error) throw state.answer;
      if (state.answer !== "grant") throw refusal(state.answer);
      return grant();
    },
    signOut: async () => {
      state.signedOut += 1;
    },
    remembered: () => state.remembered,
    remember: (signedIn) => {
      state.remembered = signedIn;
    },
    now: () => state.now,
    later: (milliseconds, run) => {
      const timer = { at: state.now + milliseconds, run };
      state.timers.push(timer);
      return () => state.timers.splice(state.timers.indexOf(timer), 1);
    },
    exclusive: (run) => {
      const turn = state.before.then(run);
      state.before = turn.catch(() => undefined);
      return turn;
    },
    tell: (message) => state.told.push(message),
    hear: (listener) => {
      state.hear = listener;
    },
    unsaved: () => state.unsaved,
  };
  const pass = async (milliseconds: number): Promise<void> => {
    state.now += milliseconds;
    for (const timer of state.timers.filter((one) => one.at <= state.now)) {
      state.timers.splice(state.timers.indexOf(timer), 1);
      timer.run();
    }
    await new Promise((resolve) => setTimeout(resolve));
  };
  /** Holds the answers to refreshes back until the returned function is called. */
  const hold = (): (() => Promise<void>) => {
    let open = (): void => {};
    state.gate = new Promise((resolve) => (open = resolve));
    return async () => {
      open();
      await new Promise((resolve) => setTimeout(resolve));
    };
  };
  return { state, ports, pass, hold, session: new Session(ports) };
}

describe("signing in", () => {
  it("keeps the token in memory and sends it", async () => {
    const { session } = world();
    await session.signIn("heidelberg", "mara", "right");
    expect(session.value).toEqual({ phase: "signed_in", clerk: CLERK });
    expect(await session.call(async (token) => token)).toBe("token-1");
  });

  it("hands a refusal on and stays signed out", async () => {
    const { session, state } = world();
    state.answer = 401;
    await session.start();
    await expect(session.signIn("heidelberg", "mara", "wrong")).rejects.toMatchObject({ code: "sign_in_refused" });
    expect(session.value.phase).toBe("signed_out");
  });

  it("asks nothing of the server in a browser that never signed in", async () => {
    const { session, state } = world();
    state.remembered = false;
    await session.start();
    expect(session.value.phase).toBe("signed_out");
    expect(state.refreshes).toBe(0);
  });

  it("takes up the session of an earlier page load by its cookie", async () => {
    const { session } = world();
    await session.start();
    expect(session.value.phase).toBe("signed_in");
  });
});

describe("keeping the session", () => {
  it("refreshes a minute before the token expires", async () => {
    const { session, state, pass } = world();
    await session.signIn("heidelberg", "mara", "right");
    await pass(539_000);
    expect(state.refreshes).toBe(0);
    await pass(1_000);
    expect(state.refreshes).toBe(1);
    expect(await session.token()).toBe("token-2");
  });

  it("answers a 401 by one refresh and one repetition", async () => {
    const { session, state } = world();
    await session.signIn("heidelberg", "mara", "right");
    const tokens: string[] = [];
    const answer = await session.call(async (token) => {
      tokens.push(token);
      if (tokens.length === 1) throw refusal(401);
      return "agenda";
    });
    expect(answer).toBe("agenda");
    expect(tokens).toEqual(["token-1", "token-2"]);
    expect(state.refreshes).toBe(1);
  });

  it("does not ask a third time", async () => {
    const { session } = world();
    await session.signIn("heidelberg", "mara", "right");
    let asked = 0;
    const call = session.call(async () => {
      asked += 1;
      throw refusal(401);
    });
    await expect(call).rejects.toMatchObject({ status: 401 });
    expect(asked).toBe(2);
  });

  it("shares one refresh between callers at the same time", async () => {
    const { session, state } = world();
    await session.signIn("heidelberg", "mara", "right");
    const first = new Set<number>();
    await Promise.all(
      [1, 2, 3].map((caller) =>
        session.call(async () => {
          if (!first.has(caller)) {
            first.add(caller);
            throw refusal(401);
          }
        }),
      ),
    );
    expect(state.refreshes).toBe(1);
  });

  it("keeps the session through an outage and asks again", async () => {
    const { session, state, pass } = world();
    await session.signIn("heidelberg", "mara", "right");
    state.answer = 503;
    await pass(540_000);
    expect(session.value.phase).toBe("signed_in");
    state.answer = "grant";
    await pass(5_000);
    expect(await session.token()).toBe("token-2");
  });

  it("remembers who was working when the server ends the session, so that nothing is unmounted", async () => {
    const { session, state } = world();
    await session.signIn("heidelberg", "mara", "right");
    state.answer = 401;
    await expect(session.call(async () => Promise.reject(refusal(401)))).rejects.toMatchObject({ status: 401 });
    expect(session.value).toEqual({ phase: "ended", clerk: CLERK });
  });
});

describe("signing out", () => {
  it("ends it on the server and in every tab", async () => {
    const { session, state } = world();
    await session.signIn("heidelberg", "mara", "right");
    await session.signOut();
    expect(state.signedOut).toBe(1);
    expect(state.told).toEqual(["signed-in", "signed-out"]);
    expect(session.value.phase).toBe("signed_out");
    expect(state.remembered).toBe(false);
    expect(state.timers).toEqual([]);
  });

  it("follows another tab, both ways", async () => {
    const { session, state } = world();
    await session.signIn("heidelberg", "mara", "right");
    state.hear("signed-out");
    expect(session.value.phase).toBe("signed_out");
    state.remembered = true;
    state.hear("signed-in");
    await new Promise((resolve) => setTimeout(resolve));
    expect(session.value.phase).toBe("signed_in");
  });

  it("in another tab leaves what is typed here behind the question to sign in again", async () => {
    const { session, state } = world();
    await session.signIn("heidelberg", "mara", "right");
    state.unsaved = true;
    state.hear("signed-out");
    expect(session.value).toEqual({ phase: "ended", clerk: CLERK });
    await expect(session.token()).rejects.toThrow();
  });

  it("is not undone by a refresh in flight, and ends the session on the server after that", async () => {
    const { session, state, hold } = world();
    await session.signIn("heidelberg", "mara", "right");
    const answer = hold();
    const asked = session.call(async () => Promise.reject(refusal(401))).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve));
    const signingOut = session.signOut();
    expect(state.signedOut).toBe(0);
    await answer();
    await Promise.all([asked, signingOut]);
    expect([session.value.phase, state.remembered, state.signedOut]).toEqual(["signed_out", false, 1]);
    expect(state.timers).toEqual([]);
    await expect(session.token()).rejects.toMatchObject({ code: "signed_out" });
  });

  it("in another tab is not undone by a refresh in flight here, and one that waits its turn is not sent", async () => {
    const { session, state, hold, pass } = world();
    await session.signIn("heidelberg", "mara", "right");
    const answer = hold();
    await pass(540_000);
    state.hear("signed-out");
    await answer();
    expect([session.value.phase, state.refreshes]).toEqual(["signed_out", 1]);

    const waiting = world();
    await waiting.session.signIn("heidelberg", "mara", "right");
    let free = (): void => {};
    waiting.state.before = new Promise<void>((resolve) => (free = resolve));
    await waiting.pass(540_000);
    waiting.state.hear("signed-out");
    free();
    await new Promise((resolve) => setTimeout(resolve));
    expect([waiting.session.value.phase, waiting.state.refreshes]).toEqual(["signed_out", 0]);
  });

  it("lets the next sign-in stand, whatever the refresh of the session before comes to", async () => {
    const { session, state, hold, pass } = world();
    await session.signIn("heidelberg", "mara", "right");
    const answer = hold();
    await pass(540_000);
    state.answer = 401;
    state.hear("signed-out");
    const signingIn = session.signIn("heidelberg", "mara", "right");
    await answer();
    await signingIn;
    expect([session.value.phase, state.remembered]).toEqual(["signed_in", true]);
  });
});

describe("an outage is no sign-out", () => {
  it.each([
    ["the server is down", 503],
    ["nothing answers", 0],
    ["the answer is nonsense", new TypeError("undefined is not a session")],
  ])("when a page is loaded while %s: it keeps asking, and takes the session up", async (_, answer) => {
    const { session, state, pass } = world();
    state.answer = answer;
    await session.start();
    expect([session.value.phase, state.remembered]).toEqual(["unreachable", true]);
    await pass(5_000);
    expect([session.value.phase, state.refreshes]).toEqual(["unreachable", 2]);
    state.answer = "grant";
    await pass(5_000);
    expect(session.value).toEqual({ phase: "signed_in", clerk: CLERK });
  });

  it("can be asked about at once, and is over when the server says that the session is", async () => {
    const { session, state, pass } = world();
    state.answer = 503;
    await session.start();
    state.answer = 401;
    await session.start();
    expect([session.value.phase, state.remembered]).toEqual(["signed_out", false]);
    await pass(60_000);
    expect(state.refreshes).toBe(2);
  });
});

describe("a clock that is wrong", () => {
  it.each([11, -11])("by %i minutes does not make the session refresh for ever, or too late", async (minutes) => {
    const { state, ports, pass } = world();
    const device = (): number => state.now + minutes * 60_000;
    learnServerTime(new Response(null, { headers: { Date: new Date(state.now).toUTCString() } }), device());
    const session = new Session({ ...ports, now: () => serverNow(device()) });
    await session.signIn("heidelberg", "mara", "right");
    await session.token();
    await pass(60_000);
    await session.token();
    expect(state.refreshes).toBe(0);
    await pass(480_000);
    expect(state.refreshes).toBe(1);
    learnServerTime(new Response(null, { headers: { Date: new Date(0).toUTCString() } }), 0);
  });
});
