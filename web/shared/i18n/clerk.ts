import { area } from "./area";

/** The clerks' client. */
export const clerk = area(
  "clerk",
  {
    title: "Sachbearbeitung",
  },
  {
    title: "Casework",
  },
);
