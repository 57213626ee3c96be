/** The mails of this office as citizens get them, with sample data, asked as the clerk who is signed in. Every function throws ApiProblem. */
import { answer, bearer, clientOf } from "$shared/api/client";
import type { paths } from "$shared/api/generated/notify";
import { send } from "$shared/api/http";
import { session } from "../../app";
import { addressOf, type Form, type Preview } from "./previews";

const api = clientOf<paths>();

export const allPreviews = async (): Promise<readonly Preview[]> =>
  (await session.call((token) => answer(api.GET("/api/notify/preview", { headers: bearer(token) })))).previews;

export const previewOf = (preview: Preview, form: Form): Promise<string> =>
  session.call(async (token) => (await send("GET", addressOf(preview, form), { token })).text());
