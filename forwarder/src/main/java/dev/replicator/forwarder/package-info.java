/**
 * The forwarder daemon and the admin commands.
 *
 * <p>Reading order: {@link dev.replicator.forwarder.ForwarderDaemon} wires everything. {@code CaptureService} takes
 * records in through {@code QueueAppender}; {@code LaneService} sends them out, one {@code LaneSender} per lane, filtered
 * by {@code GrantState}; {@code DumpCatalog} owns requested and cached dumps; {@code Retention} prunes; {@code
 * AdminService} answers operators. Rows are never decoded here: only record and block headers are read.
 *
 * <p>Threads: gRPC callbacks, one sender thread per lane, one acknowledging thread per capture connection, one
 * housekeeping thread. Every class says what guards it.
 */
package dev.replicator.forwarder;
