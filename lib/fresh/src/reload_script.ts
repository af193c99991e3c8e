/** Where a page in development hears about new versions of the server. */
export const RELOAD_PATH = "/_frsh/alive";

/** Reloads the page when the server that comes back is not the one that sent it. */
export function reloadScript(basePath: string): string {
  return `let known;(function listen(){` +
    `const socket=new WebSocket(location.origin.replace("http","ws")+${
      JSON.stringify(basePath + RELOAD_PATH)
    });` +
    `socket.onmessage=({data})=>{if(known&&known!==data)location.reload();known=data};` +
    `socket.onclose=()=>setTimeout(listen,300)})();`;
}
