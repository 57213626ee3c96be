import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The development server answers page addresses as the gateway does: /clerk/* is one page, everything else the other. */
function pagesLikeTheGateway(): Plugin {
  return {
    name: "schalter-pages",
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const path = (request.url ?? "/").split("?")[0] ?? "/";
        const wantsPage = request.headers.accept?.includes("text/html") ?? false;
        if (wantsPage && !path.includes(".")) {
          request.url = path.startsWith("/clerk/") || path === "/clerk" ? "/clerk/index.html" : "/citizen/index.html";
        }
        next();
      });
    },
  };
}

// `npm run dev` talks to a running system (`make up`); GATEWAY names another address than the default.
const gateway = process.env["GATEWAY"] ?? "http://localhost:8080";

export default defineConfig({
  root: here("."),
  appType: "mpa",
  plugins: [svelte(), pagesLikeTheGateway()],
  resolve: { alias: { $shared: here("./shared") } },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/mail", "/paypal-simulator"].map((path) => [path, { target: gateway, ws: true, changeOrigin: false }]),
    ),
  },
  build: {
    outDir: here("./build"),
    emptyOutDir: true,
    // The floor of browsers (README): syntax and styles are made for it, scripts/floor.mjs looks for what is newer.
    target: ["chrome109", "edge109", "firefox115", "safari16"],
    manifest: true,
    // The content security policy allows fonts and scripts from our own origin only, so nothing is inlined as data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { citizen: here("./citizen/index.html"), clerk: here("./clerk/index.html") } },
  },
});
