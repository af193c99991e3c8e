import type Stripe from "stripe";
import { seconds, type World } from "./world.ts";

/** Makes a one-time price and its product. */
export function makePrice(
  world: World,
  of: {
    id?: string;
    name: string;
    amount: number;
    currency: string;
    metadata?: Record<string, string>;
  },
): Stripe.Price {
  const product = world.store.put<"product">({
    id: world.store.newId("prod"),
    object: "product",
    active: true,
    created: seconds(world),
    default_price: null,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: {},
    name: of.name,
    package_dimensions: null,
    shippable: null,
    tax_code: null,
    type: "service",
    updated: seconds(world),
    url: null,
  } as unknown as Stripe.Product);
  return world.store.put<"price">({
    id: of.id ?? world.store.newId("price"),
    object: "price",
    active: true,
    billing_scheme: "per_unit",
    created: seconds(world),
    currency: of.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    metadata: of.metadata ?? {},
    nickname: null,
    product: product.id,
    recurring: null,
    tax_behavior: "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: "one_time",
    unit_amount: of.amount,
    unit_amount_decimal: String(of.amount),
  } as unknown as Stripe.Price);
}

/** One line of a Checkout Session. */
export function makeLineItem(world: World, price: Stripe.Price, quantity: number): Stripe.LineItem {
  const product = world.store.get("product", price.product as string);
  const amount = (price.unit_amount ?? 0) * quantity;
  return {
    id: world.store.newId("li"),
    object: "item",
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: product.name,
    metadata: {},
    price,
    quantity,
  };
}

/** What a Checkout Session says about itself from the start. */
export interface SessionTerms {
  lineItems: Stripe.LineItem[];
  currency: string;
  expiresAt: number;
  successUrl: string;
  cancelUrl: string | null;
  clientReferenceId: string | null;
  customerEmail: string | null;
  metadata: Record<string, string>;
  allowPromotionCodes: boolean | null;
  allowedPaymentMethodTypes: string[] | null;
  submitType: string | null;
  locale: string | null;
}

/** An open Checkout Session in payment mode. */
export function makeSession(world: World, terms: SessionTerms): Stripe.Checkout.Session {
  const id = world.store.newId("cs_test");
  const amount = terms.lineItems.reduce((sum, line) => sum + line.amount_subtotal, 0);
  return {
    id,
    object: "checkout.session",
    adaptive_pricing: { enabled: false },
    after_expiration: null,
    allow_promotion_codes: terms.allowPromotionCodes,
    allowed_payment_method_types: terms.allowedPaymentMethodTypes,
    amount_subtotal: amount,
    amount_total: amount,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: terms.cancelUrl,
    client_reference_id: terms.clientReferenceId,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: seconds(world),
    currency: terms.currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: null,
    customer_account: null,
    customer_creation: "if_required",
    customer_details: terms.customerEmail ? customerDetails(terms.customerEmail) : null,
    customer_email: terms.customerEmail,
    discounts: [],
    expires_at: terms.expiresAt,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: terms.locale,
    metadata: terms.metadata,
    mode: "payment",
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: "if_required",
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ["card", "us_bank_account"].filter((type) =>
      terms.allowedPaymentMethodTypes?.includes(type) ?? true
    ),
    payment_status: "unpaid",
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: "open",
    submit_type: terms.submitType,
    subscription: null,
    success_url: terms.successUrl,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: "hosted_page",
    url: payPageUrl(world, id),
    wallet_options: null,
  } as unknown as Stripe.Checkout.Session;
}

/** Where a session is paid. */
export function payPageUrl(world: World, sessionId: string): string {
  return new URL(`/c/pay/${sessionId}`, world.host).href;
}

/** What a session knows of its buyer: the address they typed. */
export function customerDetails(email: string): Stripe.Checkout.Session.CustomerDetails {
  return {
    address: null,
    business_name: null,
    email,
    individual_name: null,
    name: null,
    phone: null,
    tax_exempt: "none",
    tax_ids: [],
  } as unknown as Stripe.Checkout.Session.CustomerDetails;
}

/** The payment behind a session, before anything was tried. */
export function makePaymentIntent(
  world: World,
  session: Stripe.Checkout.Session,
  method: string,
): Stripe.PaymentIntent {
  const id = world.store.newId("pi");
  return {
    id,
    object: "payment_intent",
    amount: session.amount_total,
    amount_capturable: 0,
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: "automatic_async",
    client_secret: world.store.newId(`${id}_secret`),
    confirmation_method: "automatic",
    created: seconds(world),
    currency: session.currency,
    customer: null,
    customer_account: null,
    description: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: [method],
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: "requires_payment_method",
    transfer_group: null,
  } as unknown as Stripe.PaymentIntent;
}

/** What a charge shows of the means it was made with. */
export type PaymentMethodDetails =
  | { type: "card"; card: { brand: string; last4: string; exp_month: number; exp_year: number } }
  | { type: "us_bank_account"; us_bank_account: { bank_name: string; last4: string } };

/** An attempt to take the money. */
export function makeCharge(
  world: World,
  intent: Stripe.PaymentIntent,
  of: {
    status: "succeeded" | "pending" | "failed";
    email: string | null;
    details: PaymentMethodDetails;
    failure?: { code: string; message: string };
  },
): Stripe.Charge {
  const id = world.store.newId("ch");
  return world.store.put<"charge">({
    id,
    object: "charge",
    amount: intent.amount,
    amount_captured: of.status === "succeeded" ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: of.status === "succeeded" ? world.store.newId("txn") : null,
    billing_details: { address: null, email: of.email, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: "WRENCHLINE",
    captured: of.status === "succeeded",
    created: seconds(world),
    currency: intent.currency,
    customer: null,
    description: null,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: of.failure?.code ?? null,
    failure_message: of.failure?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: {},
    on_behalf_of: null,
    outcome: null,
    paid: of.status === "succeeded",
    payment_intent: intent.id,
    payment_method: intent.payment_method,
    payment_method_details: of.details,
    receipt_email: null,
    receipt_number: null,
    receipt_url: of.status === "failed" ? null : new URL(`/receipts/${id}`, world.host).href,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: of.status,
    transfer_data: null,
    transfer_group: null,
  } as unknown as Stripe.Charge);
}
