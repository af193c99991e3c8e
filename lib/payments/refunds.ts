import Stripe from "stripe";
import { backstage } from "@/lib/db/door.ts";
import { isAway, stripe } from "./stripe.ts";

/** A refund as the database wants it. */
interface DueRefund {
  refundId: string;
  paymentIntent: string | null;
  amountCents: number;
  reason: string;
  status: "requested" | "pending" | "succeeded" | "failed";
}

/**
 * Sends money back that the database says is due, once however often it is called. Throws when
 * Stripe does not answer, so that the job is tried again; what Stripe refuses is noted as failed.
 */
export async function refundPayment(refundId: string): Promise<void> {
  const [{ due }] = await backstage((tx) =>
    tx<{ due: DueRefund | null }>`select api.due_refund(${refundId}) as due`
  );
  if (due?.status !== "requested" && due?.status !== "pending") return;
  const answer = await ask(due);
  await backstage((tx) =>
    tx`select api.refund_settled(${refundId}, ${answer.id}, ${answer.status})`
  );
}

async function ask(due: DueRefund): Promise<{ id: string | null; status: string }> {
  try {
    if (due.paymentIntent === null) throw new Error("there is no payment to refund");
    const refund = await earlier(due.refundId, due.paymentIntent) ??
      await stripe().refunds.create({
        payment_intent: due.paymentIntent,
        amount: due.amountCents,
        ...(due.reason === "duplicate" && { reason: "duplicate" }),
        metadata: { refund_id: due.refundId },
      }, { idempotencyKey: due.refundId });
    // Later it is the webhook that tells.
    if (refund.status === "failed" || refund.status === "canceled") {
      console.error(`refund ${due.refundId} failed: Stripe says ${refund.failure_reason}`);
    }
    return { id: refund.id, status: refund.status ?? "pending" };
  } catch (error) {
    if (isAway(error) || error instanceof Stripe.errors.StripeAuthenticationError) throw error;
    // Disputed, say, or refunded by hand: a person has to look.
    console.error(
      `refund ${due.refundId} failed: ${error instanceof Error ? error.message : error}`,
    );
    return { id: null, status: "failed" };
  }
}

/** Stripe forgets keys after a day, and a job may be tried for longer: what was refunded says so itself. */
async function earlier(
  refundId: string,
  paymentIntent: string,
): Promise<Stripe.Refund | undefined> {
  const refunds = await stripe().refunds.list({ payment_intent: paymentIntent, limit: 100 });
  return refunds.data.find((refund) => refund.metadata?.refund_id === refundId);
}
