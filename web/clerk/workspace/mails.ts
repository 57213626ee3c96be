/** What became of the mails about an appointment, asked as the clerk who is signed in. Every function throws ApiProblem. */
import { answer, bearer, clientOf } from "$shared/api/client";
import type { paths as BookingPaths } from "$shared/api/generated/booking";
import type { components, paths } from "$shared/api/generated/notify";
import { session } from "../app";

export type Mail = components["schemas"]["MessageView"];

const api = clientOf<paths>();
const booking = clientOf<BookingPaths>();
/** Once a link was sent, those before it are dead: whether their mails arrived is nobody's concern. */
const BRINGS_LINK: readonly Mail["kind"][] = ["confirmation", "rescheduled", "link"];
const HAS_LINK: readonly Mail["kind"][] = [...BRINGS_LINK, "reminder", "slot_offer"];

/** All messages of an appointment, newest first. */
export const mailsOf = async (appointment_id: string): Promise<readonly Mail[]> =>
  (
    await session.call((token) =>
      answer(api.GET("/api/notify/appointments/{appointment_id}/messages", { headers: bearer(token), params: { path: { appointment_id } } })),
    )
  ).messages;

/** Sends one again. One key per intent. */
export const sendAgain = (appointment_id: string, message_id: string, key: string): Promise<Mail> =>
  session.call((token) =>
    answer(
      api.POST("/api/notify/appointments/{appointment_id}/messages/{message_id}/resend", {
        headers: bearer(token),
        params: { path: { appointment_id, message_id }, header: { "Idempotency-Key": key } },
        body: {},
      }),
    ),
  );

/** Corrects where the citizen is written to: what was lost goes there, and the link, which is another one then. One key per intent. */
export const writeElsewhere = async (appointment_id: string, email: string, key: string): Promise<void> => {
  await session.call((token) =>
    answer(
      booking.POST("/api/booking/office/appointments/{appointment_id}/contact", {
        headers: bearer(token),
        params: { path: { appointment_id }, header: { "Idempotency-Key": key } },
        body: { email },
      }),
    ),
  );
};

/** The mails that did not arrive and were not sent again since: the newest of each kind counts. */
export function notArrived(mails: readonly Mail[]): readonly Mail[] {
  const newest = new Map<string, Mail>();
  let linked = false;
  for (const mail of mails) {
    if (mail.channel !== "mail" || mail.state === "dropped") continue;
    if (!newest.has(mail.kind) && !(linked && HAS_LINK.includes(mail.kind))) newest.set(mail.kind, mail);
    linked ||= BRINGS_LINK.includes(mail.kind);
  }
  return [...newest.values()].filter((mail) => mail.state === "failed");
}
