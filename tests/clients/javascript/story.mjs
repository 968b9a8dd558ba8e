// What somebody does with Lago's JavaScript client, from the first metric to the last delete.
// The URL of the API is the only argument; what was answered is printed as one object of JSON.

import { subscribe } from "node:diagnostics_channel";
import { Client, getLagoError } from "lago-javascript-client";

const lago = Client("a-key", { baseUrl: process.argv[2] });
const told = {};
let connections = 0;
subscribe("undici:client:connected", () => (connections += 1));

const refused = async (asked) => {
  try {
    await asked;
  } catch (answer) {
    const error = await getLagoError(answer);
    return [answer.status, error.code, error.error_details ?? null];
  }
  return "not refused";
};

const organization = (await lago.organizations.findOrganization()).data.organization;
told.organization = typeof organization.lago_id;

// A metric, a plan that charges for it by its id, a customer, a subscription.
const metric = (
  await lago.billableMetrics.createBillableMetric({
    billable_metric: {
      name: "Storage",
      code: "storage",
      aggregation_type: "sum_agg",
      field_name: "gb",
      filters: [{ key: "region", values: ["eu", "us"] }],
    },
  })
).data.billable_metric;
told.metric = [metric.code, metric.aggregation_type, metric.filters];
told.sameMetric = await refused(
  lago.billableMetrics.createBillableMetric({
    billable_metric: { name: "Again", code: "storage", aggregation_type: "count_agg" },
  }),
);
const expression = await lago.billableMetrics.evaluateBillableMetricExpression({
  expression: "event.properties.gb * 2",
  event: { code: "storage", timestamp: 1795800000, properties: { gb: "1.5" } },
});
told.expression = expression.data.expression_result.value;

const plan = (
  await lago.plans.createPlan({
    plan: {
      name: "Pro",
      code: "pro",
      interval: "monthly",
      amount_cents: 4900,
      amount_currency: "EUR",
      pay_in_advance: false,
      charges: [
        {
          billable_metric_id: metric.lago_id,
          charge_model: "standard",
          properties: { amount: "0.5" },
          filters: [{ values: { region: ["us"] }, properties: { amount: "2" } }],
        },
      ],
    },
  })
).data.plan;
const [charge] = plan.charges;
told.charge = [charge.lago_billable_metric_id === metric.lago_id, charge.code, charge.properties];
const charges = (await lago.plans.findAllPlanCharges("pro")).data.charges;
told.charges = charges.map((each) => each.lago_id === charge.lago_id);
told.planOfNothing = await refused(
  lago.plans.createPlan({ plan: { name: "P", code: "p", interval: "daily", amount_cents: 1 } }),
);

const customer = (
  await lago.customers.createCustomer({
    customer: { external_id: "acme", name: "Acme", currency: "EUR", timezone: "Europe/Paris" },
  })
).data.customer;
told.customer = [customer.external_id, customer.name, customer.applicable_timezone];

const subscription = (
  await lago.subscriptions.createSubscription({
    subscription: {
      external_customer_id: "acme",
      external_id: "acme-1",
      plan_code: "pro",
      subscription_at: "2026-10-01T00:00:00Z",
    },
  })
).data.subscription;
told.subscription = [subscription.status, subscription.plan.code, subscription.billing_time];

// Events: one, and several at once; the same one again is refused, and counted once.
const event = (id, at, gb, region) => ({
  transaction_id: id,
  external_subscription_id: "acme-1",
  code: "storage",
  timestamp: at,
  properties: { gb, region },
});
const first = event("t1", 1795800000, 10, "eu"); // 2026-11-27
told.event = (await lago.events.createEvent({ event: first })).data.event.timestamp;
const batch = await lago.events.createBatchEvents({
  events: [event("t2", 1795800001, "2.5", "us"), event("t3", 1792000000, 4, "eu")], // 2026-10-14
});
told.batch = batch.data.events.map((each) => each.transaction_id);
told.sameEvent = await refused(lago.events.createEvent({ event: first }));
told.sameInBatch = await refused(
  lago.events.createBatchEvents({ events: [event("t4", 1795800002, 1, "eu"), first] }),
);
told.found = (await lago.events.findEvent("t2")).data.event.properties;
const listed = (await lago.events.findAllEvents({ code: "storage", per_page: 2 })).data;
told.listed = [listed.events.map((each) => each.transaction_id), listed.meta.total_count];

// What was used, and what it costs.
const of = { external_subscription_id: "acme-1" };
const usage = (await lago.customers.findCustomerCurrentUsage("acme", of)).data.customer_usage;
told.usage = [usage.amount_cents, usage.currency, usage.charges_usage[0].units];
told.filters = usage.charges_usage[0].filters.map((each) => [each.values, each.amount_cents]);
const past = (await lago.customers.findAllCustomerPastUsage("acme", of)).data;
told.past = past.usage_periods.map((each) => [each.from_datetime, each.amount_cents]);

// Changes, and the ends of things.
const changed = await lago.billableMetrics.updateBillableMetric("storage", {
  billable_metric: { name: "Disk" },
});
told.changedMetric = [changed.data.billable_metric.name, changed.data.billable_metric.field_name];
const dearer = await lago.plans.updatePlan("pro", { plan: { amount_cents: 5900 } });
told.changedPlan = [dearer.data.plan.amount_cents, dearer.data.plan.charges.length];
const longer = await lago.subscriptions.updateSubscription("acme-1", {
  subscription: { ending_at: "2027-10-01T00:00:00Z" },
});
told.changedSubscription = longer.data.subscription.ending_at;
const ofCustomer = (await lago.customers.findAllCustomerSubscriptions("acme")).data;
told.ofCustomer = ofCustomer.subscriptions.map((each) => each.external_id);
const active = { "status[]": ["active", "pending"], plan_code: "pro" };
told.active = (await lago.subscriptions.findAllSubscriptions(active)).data.meta.total_count;
told.usedPlan = await refused(lago.plans.destroyPlan("pro"));
told.ended = (await lago.subscriptions.destroySubscription("acme-1")).data.subscription.status;

for (const code of ["spare"]) {
  await lago.billableMetrics.createBillableMetric({
    billable_metric: { name: code, code, aggregation_type: "count_agg" },
  });
  const nothing = { name: code, code, interval: "yearly", amount_cents: 0 };
  await lago.plans.createPlan({
    plan: { ...nothing, amount_currency: "USD", pay_in_advance: true },
  });
  await lago.customers.createCustomer({ customer: { external_id: code } });
}
told.destroyed = [
  (await lago.billableMetrics.destroyBillableMetric("spare")).data.billable_metric.code,
  (await lago.plans.destroyPlan("spare")).data.plan.code,
  (await lago.customers.destroyCustomer("spare")).data.customer.external_id,
];

told.unknown = [
  await refused(lago.billableMetrics.findBillableMetric("spare")),
  await refused(lago.plans.findPlan("spare")),
  await refused(lago.customers.findCustomer("spare")),
  await refused(lago.subscriptions.findSubscription("acme-1")),
  await refused(lago.events.findEvent("t4")),
  await refused(lago.customers.findCustomerCurrentUsage("spare", of)),
].map(([status, code]) => [status, code]);
told.noLongerActive = await refused(lago.customers.findCustomerCurrentUsage("acme", of));
told.unnamedThings = await refused(lago.billableMetrics.createBillableMetric({}));
told.connections = connections;

console.log(JSON.stringify(told));
