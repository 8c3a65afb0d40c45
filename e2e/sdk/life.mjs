// One tenant's whole life, and the provider's part in it, with nothing but Akash's official TypeScript SDK: certificate,
// deployment, bids, lease, deposit, withdrawal, close. What it saw goes to standard output as JSON, one step a line.
//
//   node life.mjs '{"rpc": …, "grpc": …, "rest": …, "sdl": FILE, "tenant": MNEMONIC, "provider": MNEMONIC, "dseq": N}'

import { readFileSync } from "node:fs";
import {
  certificateManager, createChainNodeSDK, createStargateClient, generateManifest, generateManifestVersion, yaml,
} from "@akashnetwork/chain-sdk";
import { createChainNodeWebSDK } from "@akashnetwork/chain-sdk/web";
import { Source } from "@akashnetwork/chain-sdk/private-types/akash.v1";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import Long from "long";

const given = JSON.parse(process.argv[2]);
const DEPLOYMENT_SCOPE = 1;

async function client(mnemonic) {
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: "akash" });
  const [{ address }] = await wallet.getAccounts();
  const signer = createStargateClient({ baseUrl: given.rpc, signer: wallet, defaultGasPrice: "0.025uakt" });
  return { address, sdk: createChainNodeSDK({ query: { baseUrl: given.grpc }, tx: { signer } }) };
}

function tell(step, seen = {}) {
  console.log(JSON.stringify({ step, ...seen }, (_, v) => (typeof v === "bigint" || Long.isLong(v) ? String(v) : v)));
}

const tenant = await client(given.tenant);
const provider = await client(given.provider);
const { deployment, market, escrow, cert } = {
  deployment: tenant.sdk.akash.deployment.v1beta4, market: tenant.sdk.akash.market.v1beta5,
  escrow: tenant.sdk.akash.escrow.v1, cert: tenant.sdk.akash.cert.v1,
};
const dseq = Long.fromString(given.dseq);
const id = { owner: tenant.address, dseq };

await provider.sdk.akash.provider.v1beta4.createProvider({
  owner: provider.address, hostUri: "https://provider.example.com:8443",
  attributes: [{ key: "region", value: "nowhere" }], info: { email: "", website: "" },
});
tell("provider", { address: provider.address });

const pem = await certificateManager.generatePEM(tenant.address);
await cert.createCertificate({
  owner: tenant.address, cert: Buffer.from(pem.cert), pubkey: Buffer.from(pem.publicKey),
});
const { certificates } = await cert.getCertificates({ filter: { owner: tenant.address, state: "valid", serial: "" } });
tell("certificate", { published: certificates.length, same: Buffer.from(certificates[0].certificate.cert).toString() === pem.cert });

const compiled = generateManifest(yaml.template(readFileSync(given.sdl, "utf8")));
if (!compiled.ok) throw new Error(`the SDL is refused: ${JSON.stringify(compiled.value)}`);
const hash = await generateManifestVersion(compiled.value.groups);
await deployment.createDeployment({
  id, groups: compiled.value.groupSpecs, hash,
  deposit: { amount: { denom: "uact", amount: "5000000" }, sources: [Source.balance] },
});
const { orders } = await market.getOrders({ filters: { owner: tenant.address, dseq, gseq: 0, oseq: 0, state: "open" } });
tell("deployment", { address: tenant.address, hash: Buffer.from(hash).toString("hex"), orders: orders.map((o) => o.id) });

await provider.sdk.akash.market.v1beta5.createBid({
  id: { ...orders[0].id, provider: provider.address, bseq: 0 },
  price: { denom: "uact", amount: given.price }, deposit: { amount: { denom: "uakt", amount: "500000" }, sources: [Source.balance] },
  resourcesOffer: [],
});
const { bids } = await market.getBids({ filters: { owner: tenant.address, dseq, gseq: 0, oseq: 0, provider: "", state: "open", bseq: 0 } });
tell("bids", { bids: bids.map(({ bid }) => ({ provider: bid.id.provider, price: bid.price })) });

await market.createLease({ bidId: bids[0].bid.id });
const leaseId = bids[0].bid.id;
tell("lease", { lease: await state(leaseId) });

await escrow.accountDeposit({
  signer: tenant.address, id: { scope: DEPLOYMENT_SCOPE, xid: `${tenant.address}/${given.dseq}` },
  deposit: { amount: { denom: "uact", amount: "1000000" }, sources: [Source.balance] },
});
tell("deposit", { funds: (await deployment.getDeployment({ id })).escrowAccount.state.funds });

await provider.sdk.akash.market.v1beta5.withdrawLease({ id: leaseId });
tell("withdrawal", { lease: await state(leaseId) });

await deployment.closeDeployment({ id });
const web = createChainNodeWebSDK({ query: { baseUrl: given.rest }, tx: { signer: undefined } });
const closed = await web.akash.deployment.v1beta4.getDeployments({ filters: { owner: tenant.address, state: "closed", dseq: Long.ZERO } });
tell("close", { lease: await state(leaseId), closed: closed.deployments.map((d) => d.deployment.id.dseq) });

try {
  await deployment.closeDeployment({ id });
  tell("again", { refused: "" });
} catch (no) {
  tell("again", { refused: String(no.message ?? no) });
}
process.exit(0);

async function state(id) {
  const { lease, escrowPayment } = await market.getLease({ id });
  return { state: lease.state, reason: lease.reason, payment: escrowPayment.state.state, withdrawn: escrowPayment.state.withdrawn };
}
