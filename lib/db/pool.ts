import pg from "pg";

/**
 * A pool for a library that wants one. It outlives the server's restarts: a connection that breaks
 * is replaced when next needed, and what was asked on it fails there, not here.
 */
export function openPool(connectionString: string, most: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: most });
  // An error event that nobody listens to would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}
