/**
 * gRPC between the daemons: who may call ({@link dev.replicator.runtime.net.Servers}), who calls
 * ({@link dev.replicator.runtime.net.Channels}), and what an error of the other side means
 * ({@link dev.replicator.runtime.net.RemoteErrors}). Netty stays in here.
 */
package dev.replicator.runtime.net;
