import { errorDocument } from "../error_document.ts";
import { RELOAD_PATH } from "../reload_script.ts";

type Handler = (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response>;

/** Tells pages which start of the server they talk to, so that they notice the next. */
export function withLiveReload(handler: Handler, basePath: string): Handler {
  const start = crypto.randomUUID();
  return (request, info) => {
    const { pathname } = new URL(request.url);
    const isSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    if (!isSocket || (pathname !== basePath + RELOAD_PATH && pathname !== RELOAD_PATH)) {
      return handler(request, info);
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.send(start);
    return Promise.resolve(response);
  };
}

/** Answers everything with the error that keeps the app from starting. */
export function brokenHandler(error: unknown): Handler {
  return () =>
    Promise.resolve(
      new Response(errorDocument(error), {
        status: 500,
        headers: { "content-type": "text/html; charset=utf-8" },
      }),
    );
}
