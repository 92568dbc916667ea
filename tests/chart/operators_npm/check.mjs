// Holds every document in a folder against the operators' own definitions; prints one line a fault.
import { readFileSync, readdirSync } from "node:fs";
import { ExternalSecret, SecretStore } from "@kubernetes-models/external-secrets/external-secrets.io/v1";
import { ScaledObject, TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { PodMonitor, PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const kinds = { ExternalSecret, SecretStore, ScaledObject, TriggerAuthentication, PodMonitor, PrometheusRule };
const folder = process.argv[2];
let checked = 0;
for (const name of readdirSync(folder)) {
  const { apiVersion, ...manifest } = JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
  const Kind = kinds[manifest.kind];
  if (!Kind) continue;
  try {
    new Kind(manifest).validate();
    checked += 1;
  } catch (error) {
    console.log(`${manifest.kind} ${manifest.metadata.name}: ${error.message.replace(/\s+/g, " ")}`);
  }
}
console.error(`${checked} documents are as their operators want them.`);
