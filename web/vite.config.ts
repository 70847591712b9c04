import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// One script and one style sheet of known names: a report of one feature puts them in its file.
export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../src/unembed/explorer/page",
    emptyOutDir: true,
    license: { fileName: "licenses.md" },
    modulePreload: false,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: {
        codeSplitting: false,
        entryFileNames: "explorer.js",
        assetFileNames: "explorer[extname]",
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8377" } },
  test: { include: ["tests/**/*.test.ts"] },
});
