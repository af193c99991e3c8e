/** What Stripe puts in the `error` of an answer that is one. */
export interface FailureBody {
  type: "api_error" | "card_error" | "idempotency_error" | "invalid_request_error";
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  [more: string]: unknown;
}

/** Thrown inside the sandbox and answered the way Stripe answers errors. */
export class StripeFailure extends Error {
  constructor(readonly status: number, readonly body: FailureBody) {
    super(body.message);
  }
}

/** A request that is wrong in itself: 400, naming the parameter and Stripe's code for it. */
export function invalid(message: string, param?: string, code?: string): StripeFailure {
  return new StripeFailure(400, { type: "invalid_request_error", message, param, code });
}

/** Nothing has that id: 404, in the words Stripe uses. */
export function missing(object: string, id: string): StripeFailure {
  return new StripeFailure(404, {
    type: "invalid_request_error",
    code: "resource_missing",
    message: `No such ${object}: '${id}'`,
    param: "id",
  });
}
