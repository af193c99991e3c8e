import { statusText } from "./status.ts";

/**
 * Thrown to answer with a status: `throw new HttpError(404)`.
 *
 * Its message is sent to the client, also for a status of 500 and above.
 */
export class HttpError extends Error {
  override name = "HttpError";
  /** The status of the answer. */
  status: number;

  /** Without a message, the status' own words are used: "Not Found". */
  constructor(status: number, message: string = statusText(status), options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
