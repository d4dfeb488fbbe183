import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const FIRST_LOAD_MAX_BYTES = 250_000;

/** Fails the build when the scripts of the first load, gzipped, outgrow their budget. */
function firstLoadBudget(): Plugin {
  return {
    name: "first-load-budget",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const needed = new Set(chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName));
      for (const name of needed) {
        for (const other of chunks.find((chunk) => chunk.fileName === name)?.imports ?? []) needed.add(other);
      }
      const first = chunks.filter((chunk) => needed.has(chunk.fileName));
      const bytes = first.reduce((sum, chunk) => sum + gzipSync(chunk.code).length, 0);
      if (first.length === 0 || bytes > FIRST_LOAD_MAX_BYTES) {
        this.error(`the first load takes ${bytes} gzipped bytes of script, of at most ${FIRST_LOAD_MAX_BYTES}`);
      }
      this.info(`first load: ${bytes} gzipped bytes of script`);
    },
  };
}

export default defineConfig({
  plugins: [react(), firstLoadBudget()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: { outDir: "dist", assetsInlineLimit: 0 },
  server: { proxy: { "/api": "http://127.0.0.1:8600" } },
});
