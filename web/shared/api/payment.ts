import { request } from "./http";
import type { PaymentOrder } from "./types";

/** The payment service as the citizen uses it. Every function throws ApiProblem. */
export const paymentApi = {
  order: (token: string): Promise<PaymentOrder> => request("GET", "/api/payment/citizen/order", { token }),
  /** The provider's page where the citizen approves; creating it twice gives the same one. */
  approval: (token: string): Promise<{ readonly approval_url: string }> =>
    request("POST", "/api/payment/citizen/order/approval", { token, body: {} }),
  /** After the return from the provider: the service asks the provider what is true. */
  authorise: (token: string): Promise<PaymentOrder> => request("POST", "/api/payment/citizen/order/authorisation", { token, body: {} }),
};
