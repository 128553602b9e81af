import { parseAllDocuments } from 'yaml';
import { loadManifests } from '../src/loader/load.js';
import type { SourceFile } from '../src/loader/sources/source.js';
import type { Row } from './row.js';

/** Manifests to Resources, against the YAML parser alone. */
export const load: Row = {
  name: 'load',
  work: 'read, check and default one WorkloadEndpoint manifest',
  sizes: [1_000, 10_000, 30_000],
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        const files = manifests(size);
        return {
          work() {
            const { state, diagnostics } = loadManifests(files);
            const errors = diagnostics.filter(({ severity }) => severity === 'error');
            if (errors.length > 0 || state.size !== size + 2)
              throw new Error(`Not loaded: ${errors[0]?.message}`);
          },
        };
      },
    },
    {
      name: 'yaml alone',
      async prepare(size) {
        const texts = manifests(size).map(({ bytes }) => Buffer.from(bytes).toString());
        return {
          work() {
            for (const text of texts) for (const document of parseAllDocuments(text)) document.toJS();
          },
        };
      },
    },
  ],
};

/** A pool, a node, and `size` endpoints, fifty to a file. */
function manifests(size: number): SourceFile[] {
  const header = [
    'apiVersion: heddle/v1\nkind: IPPool\nmetadata:\n  name: all\nspec:\n  cidr: 10.0.0.0/8\n',
    'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: host-1\nspec:\n  bgp:\n    ipv4Address: 172.16.0.1/24\n',
  ];
  const documents = Array.from({ length: size }, (_, index) => endpoint(index));
  const files = [file('network.yaml', header)];
  for (let first = 0; first < size; first += 50)
    files.push(file(`endpoints-${first}.yaml`, documents.slice(first, first + 50)));
  return files;
}

function endpoint(index: number): string {
  const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  return `apiVersion: heddle/v1
kind: WorkloadEndpoint
metadata:
  name: workload-${index}
  labels:
    app: app-${index % 50}
    tier: backend
    zone: zone-${index % 3}
spec:
  node: host-1
  endpoint: eth0
  ipNetworks:
    - ${address}/32
  profiles: []
  state: active
`;
}

function file(path: string, documents: readonly string[]): SourceFile {
  return { path, blobId: path, bytes: Buffer.from(documents.join('---\n')) };
}
