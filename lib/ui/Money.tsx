/** A price, as the customer reads it. */
export function Money({ cents, currency = "usd" }: { cents: number; currency?: string }) {
  const formatter = new Intl.NumberFormat("en-US", { style: "currency", currency });
  const { maximumFractionDigits = 2 } = formatter.resolvedOptions();
  return <>{formatter.format(cents / 10 ** maximumFractionDigits)}</>;
}
