import { answer, bearer, clientOf } from "./client";
import type { components, paths } from "./generated/casework";
import type {
  AbortReason,
  Agenda,
  ApplicationView,
  CaseView,
  CitizenCaseView,
  ClerkInfo,
  ClerkSession,
  FieldValues,
  IdentityCheck,
  SignatureSubmission,
  SignatureView,
  Stage,
} from "./types";

type SignDocument = components["schemas"]["SignDocument"];

const BASE = "/api/casework";
const api = clientOf<paths>();

const ofCase = (token: string, case_id: string) => ({ headers: bearer(token), params: { path: { case_id } } });
const ofApplication = (token: string, case_id: string, application_id: string) => ({
  headers: bearer(token),
  params: { path: { case_id, application_id } },
});
const mine = (token: string, application_id: string) => ({ headers: bearer(token), params: { path: { application_id } } });

// OpenAPI knows the document as some object; what it holds is fixed by its own version, see ApplicationDocument.
const asCase = (call: Promise<unknown>): Promise<CaseView> => call as Promise<CaseView>;
const asApplication = (call: Promise<unknown>): Promise<ApplicationView> => call as Promise<ApplicationView>;
const asMine = (call: Promise<unknown>): Promise<CitizenCaseView> => call as Promise<CitizenCaseView>;

/** The casework service as a clerk uses it. Every function throws ApiProblem. */
export const clerkApi = {
  signIn: (office: string, username: string, password: string): Promise<ClerkSession> =>
    answer(api.POST("/api/casework/session", { body: { office, username, password } })),
  /** A new access token, by the HttpOnly cookie. */
  refresh: (): Promise<ClerkSession> => answer(api.POST("/api/casework/session/refresh")),
  /** Ends the session of the cookie. */
  signOut: async (): Promise<void> => {
    await api.DELETE("/api/casework/session");
  },
  whoAmI: (token: string): Promise<ClerkInfo> => answer(api.GET("/api/casework/session", { headers: bearer(token) })),

  agenda: (token: string, date?: string): Promise<Agenda> =>
    answer(api.GET("/api/casework/agenda", { headers: bearer(token), params: { query: date ? { date } : {} } })),
  case: (token: string, caseId: string): Promise<CaseView> => asCase(answer(api.GET("/api/casework/cases/{case_id}", ofCase(token, caseId)))),
  take: (token: string, caseId: string): Promise<CaseView> =>
    asCase(answer(api.POST("/api/casework/cases/{case_id}/assignment", ofCase(token, caseId)))),
  showStage: (token: string, caseId: string, stage: Stage): Promise<CaseView> =>
    asCase(answer(api.POST("/api/casework/cases/{case_id}/stage", { ...ofCase(token, caseId), body: { stage } }))),
  recordIdentity: (token: string, caseId: string, check: IdentityCheck): Promise<CaseView> =>
    asCase(answer(api.POST("/api/casework/cases/{case_id}/identity-check", { ...ofCase(token, caseId), body: { ...check, note: check.note ?? "" } }))),
  /** Saves values; problem `revision_conflict` when somebody saved in between. */
  saveApplication: (token: string, caseId: string, applicationId: string, values: FieldValues, revision: number): Promise<ApplicationView> =>
    asApplication(
      answer(
        api.PUT("/api/casework/cases/{case_id}/applications/{application_id}", {
          ...ofApplication(token, caseId, applicationId),
          body: { values, revision },
        }),
      ),
    ),
  /** The points of a signature; problem `not_found` while there is none. */
  signature: (token: string, caseId: string, applicationId: string): Promise<SignatureView> =>
    answer(
      api.GET("/api/casework/cases/{case_id}/applications/{application_id}/signature", ofApplication(token, caseId, applicationId)),
    ) as Promise<SignatureView>,
  requestPayment: (token: string, caseId: string): Promise<CaseView> =>
    asCase(answer(api.POST("/api/casework/cases/{case_id}/payment-request", ofCase(token, caseId)))),
  complete: (token: string, caseId: string): Promise<CaseView> =>
    asCase(answer(api.POST("/api/casework/cases/{case_id}/completion", ofCase(token, caseId)))),
  abort: (token: string, caseId: string, reason: AbortReason): Promise<CaseView> =>
    asCase(answer(api.POST("/api/casework/cases/{case_id}/abortion", { ...ofCase(token, caseId), body: { reason } }))),

  documentPath: (caseId: string, applicationId: string): string => `${BASE}/cases/${caseId}/applications/${applicationId}/document.pdf`,
  packagePath: (caseId: string): string => `${BASE}/cases/${caseId}/package.zip`,
};

/** The casework service as the citizen in the call uses it. Every function throws ApiProblem. */
export const citizenCaseApi = {
  case: (token: string): Promise<CitizenCaseView> => asMine(answer(api.GET("/api/casework/citizen/case", { headers: bearer(token) }))),
  confirm: (token: string, applicationId: string, documentHash: string): Promise<CitizenCaseView> =>
    asMine(
      answer(
        api.POST("/api/casework/citizen/case/applications/{application_id}/confirmation", {
          ...mine(token, applicationId),
          body: { document_hash: documentHash },
        }),
      ),
    ),
  sign: (token: string, applicationId: string, submission: SignatureSubmission): Promise<CitizenCaseView> =>
    asMine(
      answer(
        api.POST("/api/casework/citizen/case/applications/{application_id}/signature", {
          ...mine(token, applicationId),
          body: submission as SignDocument,
        }),
      ),
    ),

  documentPath: (applicationId: string): string => `${BASE}/citizen/case/applications/${applicationId}/document.pdf`,
  receiptPath: (): string => `${BASE}/citizen/case/receipt.pdf`,
};
