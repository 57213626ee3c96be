import { area } from "./area";

/** Booking an appointment, managing it, and the pages around it. */
export const booking = area(
  "booking",
  {
    title: "Termin buchen",
  },
  {
    title: "Book an appointment",
  },
);
