import { answer, bearer, clientOf } from "./client";
import type { paths } from "./generated/payment";
import type { PaymentApproval, PaymentOrder } from "./types";

const api = clientOf<paths>();

/** The payment service as the citizen uses it. Every function throws ApiProblem. */
export const paymentApi = {
  order: (token: string): Promise<PaymentOrder> => answer(api.GET("/api/payment/citizen/order", { headers: bearer(token) })),

  /** The provider's page where the citizen approves; creating it twice gives the same one. */
  approval: (token: string): Promise<PaymentApproval> =>
    answer(api.POST("/api/payment/citizen/order/approval", { headers: bearer(token) })),

  /** After the return from the provider: the service asks the provider what is true. */
  authorise: (token: string): Promise<PaymentOrder> =>
    answer(api.POST("/api/payment/citizen/order/authorisation", { headers: bearer(token) })),
};
