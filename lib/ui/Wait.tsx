import type { WaitView } from "@/lib/plans.ts";

/** The present wait, told as it is. */
export function Wait({ wait: { waiting, mechanicsOnDuty } }: { wait: WaitView }) {
  return <>{onDuty(mechanicsOnDuty)} {inLine(waiting)}</>;
}

function onDuty(mechanics: number): string {
  switch (mechanics) {
    case 0:
      return "No mechanic is signed in right now, so it may take a while until one joins.";
    case 1:
      return "1 mechanic is on duty now.";
    default:
      return `${mechanics} mechanics are on duty now.`;
  }
}

function inLine(waiting: number): string {
  switch (waiting) {
    case 0:
      return "Nobody is waiting: you would be first.";
    case 1:
      return "1 customer is waiting before you.";
    default:
      return `${waiting} customers are waiting before you.`;
  }
}
