package dev.replicator.capture.postgres;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ChangeEncoder;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Decodes {@code pgoutput} messages of protocol version 1 (PostgreSQL manual, "Logical Replication Message Formats")
 * and drives a {@link TransactionSink}. One decoder lives as long as one replication session. Used by one thread.
 */
public final class PgoutputDecoder {
    /** 2000-01-01 in microseconds since 1970-01-01: where the server's clock begins. */
    private static final long POSTGRES_EPOCH_MICROS = 946_684_800_000_000L;

    private static final int TUPLE_KEY = 'K';
    private static final int TUPLE_OLD = 'O';
    private static final int TUPLE_NEW = 'N';

    private final TransactionSink sink;
    private final StreamSchemas types = new StreamSchemas();
    private final Map<Integer, StreamRelation> relations = new HashMap<>();
    private StreamRelation lastRelation;
    private boolean inTransaction;

    public PgoutputDecoder(TransactionSink sink) {
        this.sink = sink;
    }

    /** True between a Begin message and its Commit message. */
    public boolean inTransaction() {
        return inTransaction;
    }

    /**
     * Decodes one message.
     *
     * @param message with an array; its bytes are consumed and may be overwritten
     * @throws ProtocolException when it is no message of this protocol
     */
    public void decode(ByteBuffer message) throws IOException {
        byte kind = message.get(message.position());
        try {
            dispatch(message);
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new ProtocolException("pgoutput message '" + (char) kind + "' ends too early", e);
        }
    }

    private void dispatch(ByteBuffer in) throws IOException {
        byte kind = in.get();
        switch (kind) {
            case 'B' -> begin(in);
            case 'C' -> commit(in);
            case 'R' -> relation(in);
            case 'Y' -> types.type(in.getInt(), text(in), text(in));
            case 'I' -> insert(in);
            case 'U' -> update(in);
            case 'D' -> delete(in);
            case 'T' -> truncate(in);
            case 'M' -> message(in);
            case 'O' -> {
                // Origin of a transaction that was itself replicated: its changes are the master's all the same.
            }
            default -> throw new ProtocolException(
                    "message '" + (char) kind + "' is not part of pgoutput's protocol version 1");
        }
    }

    private void begin(ByteBuffer in) throws IOException {
        long commitLsn = in.getLong();
        long micros = in.getLong() + POSTGRES_EPOCH_MICROS;
        inTransaction = true;
        sink.begin(commitLsn, micros, in.getInt());
    }

    private void commit(ByteBuffer in) throws IOException {
        in.get();
        in.getLong();
        sink.commit(in.getLong());
        inTransaction = false;
    }

    private void relation(ByteBuffer in) throws IOException {
        int id = in.getInt();
        String namespace = text(in);
        TableName name = new TableName(namespace.isEmpty() ? "pg_catalog" : namespace, text(in));
        char replicaIdentity = (char) in.get();
        int count = in.getShort() & 0xFFFF;
        List<ColumnSchema> columns = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            boolean identity = (in.get() & 1) != 0;
            String column = text(in);
            int typeOid = in.getInt();
            int modifier = in.getInt();
            String typeName = types.typeName(typeOid, modifier);
            columns.add(
                    new ColumnSchema(column, typeName, typeOid, modifier, identity, StreamSchemas.encoding(typeOid)));
        }
        TableSchema schema = TableSchemas.create(id, name, 1, replicaIdentity, columns);
        lastRelation = new StreamRelation(schema);
        relations.put(id, lastRelation);
        sink.relation(schema);
    }

    private void insert(ByteBuffer in) throws IOException {
        StreamRelation relation = relationOf(in);
        expect(in, TUPLE_NEW, relation);
        ChangeEncoder out = sink.beginChange(relation.schema(), ChangeKind.INSERT);
        out.noImage();
        relation.copyImage(in, false, out, ChangeKind.INSERT);
        sink.endChange();
    }

    private void update(ByteBuffer in) throws IOException {
        StreamRelation relation = relationOf(in);
        ChangeEncoder out = sink.beginChange(relation.schema(), ChangeKind.UPDATE);
        byte form = in.get(in.position());
        if (form == TUPLE_KEY || form == TUPLE_OLD) {
            in.get();
            relation.copyImage(in, form == TUPLE_KEY, out, ChangeKind.UPDATE);
        } else {
            out.noImage();
        }
        expect(in, TUPLE_NEW, relation);
        relation.copyImage(in, false, out, ChangeKind.UPDATE);
        sink.endChange();
    }

    private void delete(ByteBuffer in) throws IOException {
        StreamRelation relation = relationOf(in);
        byte form = in.get();
        if (form != TUPLE_KEY && form != TUPLE_OLD) {
            throw new ProtocolException("DELETE of " + relation.schema().name() + " has no old row");
        }
        ChangeEncoder out = sink.beginChange(relation.schema(), ChangeKind.DELETE);
        relation.copyImage(in, form == TUPLE_KEY, out, ChangeKind.DELETE);
        out.noImage();
        sink.endChange();
    }

    private void truncate(ByteBuffer in) throws IOException {
        int count = in.getInt();
        in.get();
        for (int i = 0; i < count; i++) {
            StreamRelation relation = relationOf(in);
            ChangeEncoder out = sink.beginChange(relation.schema(), ChangeKind.TRUNCATE);
            out.noImage();
            out.noImage();
            sink.endChange();
        }
    }

    private void message(ByteBuffer in) throws IOException {
        boolean transactional = (in.get() & 1) != 0;
        in.getLong();
        String prefix = text(in);
        byte[] content = new byte[in.getInt()];
        in.get(content);
        sink.message(transactional, prefix, new String(content, StandardCharsets.UTF_8));
    }

    private StreamRelation relationOf(ByteBuffer in) throws ProtocolException {
        int id = in.getInt();
        if (lastRelation == null || lastRelation.schema().tableId() != id) {
            lastRelation = relations.get(id);
        }
        if (lastRelation == null) {
            throw new ProtocolException("a change of table oid " + Integer.toUnsignedLong(id)
                    + " came before the Relation message that describes it");
        }
        return lastRelation;
    }

    private static void expect(ByteBuffer in, int form, StreamRelation relation) throws ProtocolException {
        byte found = in.get();
        if (found != form) {
            throw new ProtocolException("a change of " + relation.schema().name() + " has tuple '" + (char) found
                    + "' where '" + (char) form + "' belongs");
        }
    }

    private static String text(ByteBuffer in) {
        int start = in.position();
        int end = start;
        while (in.get(end) != 0) {
            end++;
        }
        in.position(end + 1);
        return new String(in.array(), in.arrayOffset() + start, end - start, StandardCharsets.UTF_8);
    }
}
