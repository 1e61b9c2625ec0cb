/**
 * The capture daemon: reads the master's log once and keeps it as records in a spool until the forwarder has them.
 *
 * <p>Entry: {@link dev.replicator.capture.CaptureCommand} and {@link dev.replicator.capture.CaptureDaemon}. One thread
 * per job: the reader (stream to spool, sole user of the queue's writer), the catalogue watcher, the forwarder link and
 * the dump worker. Everything shared between them says so in its own comment.
 */
package dev.replicator.capture;
