/** A path pattern such as `/:office/appointment`, and the name by which views are chosen. */
export interface Route<Name extends string = string> {
  readonly name: Name;
  readonly pattern: string;
}

export interface Match<Name extends string = string> {
  readonly name: Name;
  readonly params: Readonly<Record<string, string>>;
}

const segments = (path: string): string[] => path.split("/").filter((segment) => segment !== "");

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** The first route whose pattern fits `path` as a whole; a trailing slash makes no difference. */
export function matchRoute<Name extends string>(routes: readonly Route<Name>[], path: string): Match<Name> | null {
  const wanted = segments(path);
  for (const route of routes) {
    const pattern = segments(route.pattern);
    if (pattern.length !== wanted.length) continue;
    const params: Record<string, string> = {};
    const fits = pattern.every((part, index) => {
      const segment = decode(wanted[index] ?? "");
      if (segment === null) return false;
      if (!part.startsWith(":")) return part === segment;
      params[part.slice(1)] = segment;
      return true;
    });
    if (fits) return { name: route.name, params };
  }
  return null;
}
