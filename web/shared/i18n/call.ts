import { area } from "./area";

/** Technical check, waiting room and call. */
export const call = area(
  "call",
  {
    title: "Videoanruf",
  },
  {
    title: "Video call",
  },
);
