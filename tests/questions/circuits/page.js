// Reads features as circuit-tracer's page does: its own two scripts, with files for a network.
//   node page.js ASSETS SITE SCAN NUMBER…
const fs = require("fs"), path = require("path"), vm = require("vm"), zlib = require("zlib");
const [assets, site, scan, ...numbers] = process.argv.slice(2);

function answer(file, range) {
  if (!fs.existsSync(file)) return new Response(null, { status: 404 });
  let body = fs.readFileSync(file);
  const bounds = /bytes=(\d+)-(\d+)/.exec(range ?? "");
  if (bounds) body = body.subarray(+bounds[1], +bounds[2] + 1);
  return new Response(body, { status: bounds ? 206 : 200 });
}

async function fetch(url, { headers = {} } = {}) {
  const hub = /^https:\/\/huggingface\.co\/[^/]+\/[^/]+\/resolve\/main\/(.*)$/.exec(url);
  if (hub) return answer(path.join(site, hub[1]), headers.Range);
  if (url.startsWith("./data/")) return answer(path.join(site, url.slice("./data/".length)));
  throw new Error(`not served: ${url}`);
}

const scale = { domain: () => scale, clamp: () => scale };
const selection = new Proxy(() => selection, { get: () => () => selection });
const page = {
  console, fetch, TextDecoder, Uint8Array, URL, URLSearchParams, Response,
  d3: { scaleSequential: () => scale, interpolateOranges: null },
  pako: { inflate: (bytes) => zlib.unzipSync(bytes).toString() },
  location: { hostname: "localhost", href: "http://localhost/" },
  isLocalServing: true,
  initFeatureExamplesLogits: () => {}, initFeatureExamplesList: () => {},
};
page.window = page;
vm.createContext(page);
for (const name of ["util.js", "feature_examples/init-feature-examples.js"])
  vm.runInContext(fs.readFileSync(path.join(assets, name), "utf8"), page, { filename: name });

(async () => {
  const { loadFeature } = page.initFeatureExamples({ containerSel: selection });
  const found = [];
  for (const number of numbers) found.push(await loadFeature(scan, +number));
  console.log(JSON.stringify(found));
})();
