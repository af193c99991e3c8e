import { createDefine } from "fresh";
import type { Login } from "./db/door.ts";

/** What every request carries from the middlewares of `main.ts` to its handler. */
export interface State {
  /** Who asks, as far as a cookie can tell: the database decides what it is worth. */
  login: Login;
  /** Names this request in its answer and in the log. */
  requestId: string;
  /** A keyed digest of the remote address, for limits on how often; never the address itself. */
  client: string;
}

/** Fresh's typed helpers, bound to our state. */
export const define = createDefine<State>();
