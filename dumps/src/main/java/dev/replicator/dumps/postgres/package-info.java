/**
 * Dumps of PostgreSQL tables.
 *
 * <p>The master's side: {@link dev.replicator.dumps.postgres.DumpSnapshot} holds a snapshot, {@link
 * dev.replicator.dumps.postgres.TableRead} reads one table under it. The target's side: {@link
 * dev.replicator.dumps.postgres.TableBuilder} makes tables, {@link dev.replicator.dumps.postgres.ChunkLoader} fills them.
 */
package dev.replicator.dumps.postgres;
