/**
 * Fetches DynamoDB Local, with what it depends on, into .cache/dynamodb-local, where the contract suite finds it. Needs Maven; to run it
 * takes Java 17.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = '3.3.1';
const FOLDER = join(import.meta.dirname, '../.cache/dynamodb-local');

/** Parts that not every copy of Maven Central has in the version asked for; any of late does, since they are for telemetry and samples. */
const PINNED = {
  cognitoidentity: '2.41.21',
  cognitoidentityprovider: '2.47.6',
  pinpoint: '2.41.0',
  'dynamodb-enhanced': '2.47.6',
};

const dependency = (group: string, artifact: string, version: string): string => `    <dependency>
      <groupId>${group}</groupId>
      <artifactId>${artifact}</artifactId>
      <version>${version}</version>
    </dependency>
`;
const pinned = Object.entries(PINNED).map(([artifact, version]) =>
  dependency('software.amazon.awssdk', artifact, version),
);

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>zeroplane</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${dependency('software.amazon.dynamodb', 'DynamoDBLocal', VERSION)}${pinned.join('')}  </dependencies>
</project>
`;

mkdirSync(FOLDER, { recursive: true });
writeFileSync(join(FOLDER, 'pom.xml'), POM);
try {
  execFileSync('mvn', ['-B', '-q', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], {
    cwd: FOLDER,
    stdio: 'inherit',
  });
  console.log(`DynamoDB Local ${VERSION} is in ${FOLDER}/lib`);
} catch (error) {
  console.error(
    `DynamoDB Local could not be fetched (${String(error)}): install Maven, and look at what it says above`,
  );
  process.exitCode = 1;
}
