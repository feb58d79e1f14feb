import { ensureCertificates } from '../certificates';
import { runTool } from '../problem';
import { dataDirectory } from '../project';
import { ensureSigningKey } from '../tokens';

/** Docker Compose, before anything else: what an embedded start makes below .data, on the volume that the containers share. */
runTool(async () => {
  const dataDir = dataDirectory();
  const { caFile } = await ensureCertificates(dataDir);
  const { kid } = await ensureSigningKey(dataDir);
  console.log(`Certificates of ${caFile} and signing key ${kid} are in place.`);
});
