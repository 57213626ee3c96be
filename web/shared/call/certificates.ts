/**
 * The certificates that DTLS really used.
 *
 * The fingerprint in the SDP is what the signaling server says; the code must rest on what the transport saw
 * (`RTCDtlsTransport.getRemoteCertificates`). Own side: the certificate this page generated for the connection.
 */

import type { Fingerprints } from "./sas";

/** What goes wrong while reading: the browser lacks the interface, or the two sources disagree. */
export class CertificateError extends Error {
  constructor(readonly code: "unsupported" | "certificate_changed", detail: string) {
    super(detail);
    this.name = "CertificateError";
  }
}

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** "AB:CD:…" as browsers print fingerprints, to the protocol's lower-case hex. */
const plain = (fingerprint: string): string => fingerprint.replaceAll(":", "").toLowerCase();

/** Certificate for one side of one appointment; ECDSA P-256, as every browser can. */
export function generateCertificate(): Promise<RTCCertificate> {
  const algorithm: EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" };
  return RTCPeerConnection.generateCertificate(algorithm);
}

async function remoteFingerprint(transport: RTCDtlsTransport): Promise<string> {
  if (typeof transport.getRemoteCertificates !== "function") {
    throw new CertificateError("unsupported", "this browser does not show the certificate of the other side");
  }
  const [certificate] = transport.getRemoteCertificates();
  if (!certificate) throw new CertificateError("unsupported", "the transport has no remote certificate");
  return hex(await crypto.subtle.digest("SHA-256", certificate));
}

/** The local certificate as the transport reports it, or null where a browser has no such statistics. */
async function reportedLocalFingerprint(pc: RTCPeerConnection): Promise<string | null> {
  const stats = await pc.getStats();
  const entries = new Map<string, Record<string, unknown>>();
  stats.forEach((entry: Record<string, unknown>) => entries.set(String(entry["id"]), entry));
  for (const entry of entries.values()) {
    if (entry["type"] !== "transport") continue;
    const certificate = entries.get(String(entry["localCertificateId"]));
    if (certificate?.["fingerprintAlgorithm"] === "sha-256") return plain(String(certificate["fingerprint"]));
  }
  return null;
}

function generatedFingerprint(certificate: RTCCertificate): string | null {
  if (typeof certificate.getFingerprints !== "function") return null;
  const sha256 = certificate.getFingerprints().find((one) => one.algorithm?.toLowerCase() === "sha-256");
  return sha256?.value ? plain(sha256.value) : null;
}

/**
 * Reads both fingerprints of a connected connection, lower-case hex SHA-256.
 * Throws CertificateError when the browser cannot tell, or when the certificate in use is not the one we made.
 */
export async function readFingerprints(pc: RTCPeerConnection, certificate: RTCCertificate): Promise<Fingerprints> {
  const transport = pc.sctp?.transport;
  if (!transport) throw new CertificateError("unsupported", "the connection has no data transport");
  const [remote, reported] = await Promise.all([remoteFingerprint(transport), reportedLocalFingerprint(pc)]);
  const generated = generatedFingerprint(certificate);
  const own = generated ?? reported;
  if (!own) throw new CertificateError("unsupported", "this browser does not show its own certificate");
  if (generated && reported && generated !== reported) {
    throw new CertificateError("certificate_changed", "the connection uses another certificate than ours");
  }
  return { own, remote };
}
