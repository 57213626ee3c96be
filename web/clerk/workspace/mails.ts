/** What became of the mails about an appointment, asked as the clerk who is signed in. Every function throws ApiProblem. */
import { answer, bearer, clientOf } from "$shared/api/client";
import type { components, paths } from "$shared/api/generated/notify";
import { session } from "../app";

export type Mail = components["schemas"]["MessageView"];

const api = clientOf<paths>();

/** All messages of an appointment, newest first. */
export const mailsOf = async (appointment_id: string): Promise<readonly Mail[]> =>
  (
    await session.call((token) =>
      answer(api.GET("/api/notify/appointments/{appointment_id}/messages", { headers: bearer(token), params: { path: { appointment_id } } })),
    )
  ).messages;

/** Sends one again; with `email`, there, and everything about this appointment from now on. One key per intent. */
export const sendAgain = (appointment_id: string, message_id: string, email: string | null, key: string): Promise<Mail> =>
  session.call((token) =>
    answer(
      api.POST("/api/notify/appointments/{appointment_id}/messages/{message_id}/resend", {
        headers: bearer(token),
        params: { path: { appointment_id, message_id }, header: { "Idempotency-Key": key } },
        body: email === null ? {} : { email },
      }),
    ),
  );

/** The mails that did not arrive and were not sent again since: the newest of each kind counts. */
export function notArrived(mails: readonly Mail[]): readonly Mail[] {
  const newest = new Map<string, Mail>();
  for (const mail of mails) {
    if (mail.channel === "mail" && mail.state !== "dropped" && !newest.has(mail.kind)) newest.set(mail.kind, mail);
  }
  return [...newest.values()].filter((mail) => mail.state === "failed");
}
