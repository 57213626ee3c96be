import { request } from "./http";
import type {
  Agenda,
  ApplicationView,
  CaseView,
  CitizenCaseView,
  ClerkInfo,
  ClerkSession,
  IdentityCheck,
  SignatureSubmission,
  Stage,
} from "./types";

const BASE = "/api/casework";
const one = (caseId: string): string => `${BASE}/cases/${caseId}`;
const mine = `${BASE}/citizen/case`;

/** The casework service as a clerk uses it. Every function throws ApiProblem. */
export const clerkApi = {
  signIn: (office: string, username: string, password: string): Promise<ClerkSession> =>
    request("POST", `${BASE}/session`, { body: { office, username, password } }),
  /** A new access token, by the HttpOnly cookie. */
  refresh: (): Promise<ClerkSession> => request("POST", `${BASE}/session/refresh`),
  signOut: (token: string): Promise<void> => request("DELETE", `${BASE}/session`, { token }),
  whoAmI: (token: string): Promise<ClerkInfo> => request("GET", `${BASE}/session`, { token }),

  agenda: (token: string, date?: string): Promise<Agenda> => request("GET", `${BASE}/agenda`, { token, query: { date } }),
  case: (token: string, caseId: string): Promise<CaseView> => request("GET", one(caseId), { token }),
  take: (token: string, caseId: string): Promise<CaseView> => request("POST", `${one(caseId)}/assignment`, { token }),
  showStage: (token: string, caseId: string, stage: Stage): Promise<CaseView> =>
    request("POST", `${one(caseId)}/stage`, { token, body: { stage } }),
  recordIdentity: (token: string, caseId: string, check: IdentityCheck): Promise<CaseView> =>
    request("POST", `${one(caseId)}/identity-check`, { token, body: check }),
  /** Saves values; problem `revision_conflict` when somebody saved in between. */
  saveApplication: (
    token: string,
    caseId: string,
    applicationId: string,
    values: Readonly<Record<string, unknown>>,
    revision: number,
  ): Promise<ApplicationView> =>
    request("PUT", `${one(caseId)}/applications/${applicationId}`, { token, body: { values, revision } }),
  requestPayment: (token: string, caseId: string): Promise<CaseView> => request("POST", `${one(caseId)}/payment-request`, { token }),
  complete: (token: string, caseId: string): Promise<CaseView> => request("POST", `${one(caseId)}/completion`, { token }),
  abort: (token: string, caseId: string, reason: string): Promise<CaseView> =>
    request("POST", `${one(caseId)}/abortion`, { token, body: { reason } }),

  documentPath: (caseId: string, applicationId: string): string => `${one(caseId)}/applications/${applicationId}/document.pdf`,
  packagePath: (caseId: string): string => `${one(caseId)}/package.zip`,
};

/** The casework service as the citizen in the call uses it. Every function throws ApiProblem. */
export const citizenCaseApi = {
  case: (token: string): Promise<CitizenCaseView> => request("GET", mine, { token }),
  confirm: (token: string, applicationId: string, documentHash: string): Promise<CitizenCaseView> =>
    request("POST", `${mine}/applications/${applicationId}/confirmation`, { token, body: { document_hash: documentHash } }),
  sign: (token: string, applicationId: string, submission: SignatureSubmission): Promise<CitizenCaseView> =>
    request("POST", `${mine}/applications/${applicationId}/signature`, { token, body: submission }),

  documentPath: (applicationId: string): string => `${mine}/applications/${applicationId}/document.pdf`,
  receiptPath: (): string => `${mine}/receipt.pdf`,
};
