/**
 * Dumps: what the rows of one table were under one snapshot, as files.
 *
 * <p>Reading order: {@link dev.replicator.dumps.DumpManifest} (what a dump is), {@link dev.replicator.dumps.DumpStore} and
 * {@link dev.replicator.dumps.StoredDump} (dumps on disk; capture stages in one, the forwarder caches in one, a slave
 * downloads into one), {@link dev.replicator.dumps.TableDefinition}. Package {@code postgres} reads a dump from a server
 * and loads it into one.
 */
package dev.replicator.dumps;
