import type { ReceiptView } from "@/lib/sessions.ts";
import { Money } from "@/lib/ui/Money.tsx";
import { When } from "@/lib/ui/When.tsx";

/** What was paid, newest first. */
export function Receipts({ receipts }: { receipts: ReceiptView[] }) {
  return (
    <section aria-labelledby="receipts" class="mt-12">
      <h2 id="receipts" class="text-2xl">Receipts</h2>
      <ul class="sheet mt-4 divide-y divide-base-300">
        {receipts.map((receipt) => (
          <li key={receipt.id} class="flex flex-wrap justify-between gap-x-6 gap-y-1 p-5">
            <div>
              <p class="font-semibold">{receipt.planName}</p>
              <p class="quiet text-sm">
                <When at={receipt.createdAt} />
              </p>
            </div>
            <div class="ml-auto text-right">
              <p class="font-semibold tabular-nums">
                <Money cents={receipt.amountCents} currency={receipt.currency} />
              </p>
              <p class="quiet text-sm">{STATUS_WORDS[receipt.status]}</p>
              {receipt.receiptUrl && (
                <a class="plain-link text-sm" href={receipt.receiptUrl} rel="noopener">
                  Stripe's receipt <span class="sr-only">for {receipt.planName}</span>
                </a>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

const STATUS_WORDS: Record<ReceiptView["status"], string> = {
  pending: "Payment on its way",
  paid: "Paid",
  refunded: "Paid, and refunded",
  duplicate: "Paid twice by mistake: this one is refunded",
};
