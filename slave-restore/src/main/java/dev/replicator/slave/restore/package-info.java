/**
 * Bringing a table over: dump download, parallel load, copies beside live tables, comparison and rewrite (rules R03, R08,
 * R14).
 *
 * <p>Reading order: {@link dev.replicator.slave.restore.RestoreService} (threads and order), {@code DumpDownload}, {@code TableLoad}, then
 * {@link dev.replicator.slave.restore.Copies}, {@link dev.replicator.slave.restore.Comparison} and {@link
 * dev.replicator.slave.restore.Rewrite}, which lanes call within their own transactions.
 */
package dev.replicator.slave.restore;
