/**
 * PostgreSQL as a master: pinned sessions, slot and publication, the catalogue, and the {@code pgoutput} stream. pgjdbc's
 * own types stop here.
 */
package dev.replicator.capture.postgres;
