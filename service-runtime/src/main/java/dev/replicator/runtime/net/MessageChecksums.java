package dev.replicator.runtime.net;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Codec;
import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.io.ByteArrayInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every message between daemons carries a CRC32C of its bytes, as gRPC's message encoding {@code crc32c}: a zero byte, the
 * message, the checksum (big-endian). Records and chunks have checksums of their own; positions, acknowledgements, boundaries
 * and definitions have not, and TCP's 16 bits are too few for a position that decides what may be deleted.
 *
 * <p>The zero byte is no beginning of a message: taken for an unencoded one it does not parse.
 */
final class MessageChecksums implements Codec {
    private static final Logger LOG = LoggerFactory.getLogger(MessageChecksums.class);
    private static final String ENCODING = "crc32c";
    private static final int CHECKSUM_BYTES = Integer.BYTES;
    private static final int AROUND_BYTES = 1 + CHECKSUM_BYTES;
    private static final MessageChecksums CODEC = new MessageChecksums();

    private MessageChecksums() {}

    /** What a side can write. */
    static CompressorRegistry writing() {
        CompressorRegistry registry = CompressorRegistry.newEmptyInstance();
        registry.register(CODEC);
        registry.register(Codec.Identity.NONE);
        return registry;
    }

    /** What a side can read, and says so to the other one. */
    static DecompressorRegistry reading() {
        return DecompressorRegistry.emptyInstance().with(CODEC, true).with(Codec.Identity.NONE, true);
    }

    /** Makes a client write checksums. */
    static ClientInterceptor client() {
        return new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(
                    MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                return next.newCall(method, options.withCompression(ENCODING));
            }
        };
    }

    /** Makes a server write checksums to clients that can read them. */
    static ServerInterceptor server() {
        return new ServerInterceptor() {
            @Override
            public <Q, A> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                call.setCompression(ENCODING);
                return next.startCall(call, headers);
            }
        };
    }

    @Override
    public String getMessageEncoding() {
        return ENCODING;
    }

    @Override
    public OutputStream compress(OutputStream wire) throws IOException {
        return new Summing(wire);
    }

    @Override
    public InputStream decompress(InputStream wire) throws IOException {
        byte[] bytes = readAll(wire);
        int length = bytes.length - AROUND_BYTES;
        if (length < 0
                || bytes[0] != 0
                || checksum(bytes, length) != ByteBuffer.wrap(bytes).getInt(1 + length)) {
            String what = "a message of " + bytes.length + " bytes was damaged on its way: its CRC32C does not fit";
            LOG.error("{}; the call is given up and made again", what);
            throw new IOException(what);
        }
        return new ByteArrayInputStream(bytes, 1, length);
    }

    /** Streams of messages know how much is there: one array, filled once. */
    private static byte[] readAll(InputStream wire) throws IOException {
        byte[] bytes = new byte[wire.available()];
        int length = wire.readNBytes(bytes, 0, bytes.length);
        byte[] more = wire.readAllBytes();
        if (more.length == 0 && length == bytes.length) {
            return bytes;
        }
        byte[] all = Arrays.copyOf(bytes, length + more.length);
        System.arraycopy(more, 0, all, length, more.length);
        return all;
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 1, length);
        return (int) crc.getValue();
    }

    /** Writes what it is given with the checksum behind it. */
    private static final class Summing extends FilterOutputStream {
        private final CRC32C crc = new CRC32C();
        private boolean closed;

        Summing(OutputStream wire) throws IOException {
            super(wire);
            wire.write(0);
        }

        @Override
        public void write(int value) throws IOException {
            out.write(value);
            crc.update(value);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, length);
            crc.update(bytes, offset, length);
        }

        @Override
        public void close() throws IOException {
            if (!closed) {
                closed = true;
                out.write(ByteBuffer.allocate(CHECKSUM_BYTES)
                        .putInt((int) crc.getValue())
                        .array());
                super.close();
            }
        }
    }
}
