import { describe, expect, it } from "vitest";

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
    answer: "grant" as "grant" | number,
    timers: [] as { at: number; run: () => void }[],
    told: [] as SessionMessage[],
    signedOutWith: null as string | null,
    hear: (_message: SessionMessage): void => {},
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
      if (state.answer !== "grant") throw refusal(state.answer);
      return grant();
    },
    signOut: async (token) => {
      state.signedOutWith = token;
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
    exclusive: (run) => run(),
    tell: (message) => state.told.push(message),
    hear: (listener) => {
      state.hear = listener;
    },
  };
  const pass = async (milliseconds: number): Promise<void> => {
    state.now += milliseconds;
    for (const timer of state.timers.filter((one) => one.at <= state.now)) {
      state.timers.splice(state.timers.indexOf(timer), 1);
      timer.run();
    }
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { state, ports, pass, session: new Session(ports) };
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
    expect(state.signedOutWith).toBe("token-1");
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
});
