// What the official TypeScript SDK makes of SDL files: JSON lines {"name", "sdl"} in, one JSON line per file out, in order.
//
//   node compile.mjs INSTALL            {"name", "accept": true, "version", "manifest"} or {"name", "accept": false, "error"}
//   node compile.mjs INSTALL ROUNDS     {"files", "accepted", "seconds"} of CPU for all files, ROUNDS times, after one to warm up
//
// INSTALL is the directory whose node_modules hold the SDK; it is outside of the checkout.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { generateManifest, generateManifestVersion, manifestToSortedJSON } = require("@akashnetwork/chain-sdk");
const { load } = require("js-yaml");

async function compiled(sdl) {
  try {
    const result = generateManifest(load(sdl));
    if (!result.ok) {
      return { accept: false, error: result.value.map((e) => e.message ?? String(e)).join("; ") };
    }
    const version = Buffer.from(await generateManifestVersion(result.value.groups)).toString("hex");
    return { accept: true, version, manifest: manifestToSortedJSON(result.value.groups) };
  } catch (error) {
    return { accept: false, error: String(error?.message ?? error) };
  }
}

const files = [];
for await (const line of createInterface({ input: process.stdin })) {
  files.push(JSON.parse(line));
}

const rounds = Number(process.argv[3] ?? 0);
if (rounds === 0) {
  for (const { name, sdl } of files) {
    console.log(JSON.stringify({ name, ...(await compiled(sdl)) }));
  }
} else {
  let accepted = 0;
  let began;
  for (let round = 0; round <= rounds; round += 1) {
    if (round === 1) {
      began = process.cpuUsage();
      accepted = 0;
    }
    for (const { sdl } of files) {
      accepted += (await compiled(sdl)).accept ? 1 : 0;
    }
  }
  const used = process.cpuUsage(began);
  const seconds = (used.user + used.system) / 1e6;
  console.log(JSON.stringify({ files: files.length * rounds, accepted, seconds }));
}
