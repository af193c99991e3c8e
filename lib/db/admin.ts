import pg from "pg";

/** Connects as an administrator for as long as `work` takes; another database of the server if named. */
export async function asAdministrator<T>(
  adminUrl: string,
  work: (client: pg.Client) => Promise<T>,
  database?: string,
): Promise<T> {
  const url = new URL(adminUrl);
  if (database) url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
