package dev.replicator.slave.postgres;

import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Rows on their way into a table: by one statement, or by COPY in text format when they are many. COPY writes given values
 * into GENERATED ALWAYS identity columns as they are, and checks length modifiers like an assignment does.
 */
final class Insertion {
    private final Sql statement;
    private final String copy;
    private final CopyText rows;
    private final Deque<byte[]> ready = new ArrayDeque<>();

    private Insertion(Sql statement, String copy, CopyText rows) {
        this.statement = statement;
        this.copy = copy;
        this.rows = rows;
    }

    static Insertion byStatement(Sql statement) {
        return new Insertion(statement, null, null);
    }

    /** @param copy the COPY command */
    static Insertion byCopy(String copy, CopyText rows) {
        return new Insertion(null, copy, rows);
    }

    /** The statement that inserts them; null when they go by COPY. */
    Sql statement() {
        return statement;
    }

    /** Makes all of it ready to be sent; else it is made while it is sent. */
    void encode() {
        for (byte[] chunk = next(); chunk != null; chunk = next()) {
            ready.add(chunk);
        }
    }

    private byte[] next() {
        return rows == null ? null : rows.next();
    }

    /**
     * Inserts the rows, once.
     *
     * @return number of rows the server stored
     */
    long run(Statements statements) throws SQLException {
        if (statement != null) {
            return statements.update(statement);
        }
        CopyIn sink =
                statements.connection().unwrap(PGConnection.class).getCopyAPI().copyIn(copy);
        try {
            for (byte[] chunk = ready.poll(); chunk != null; chunk = ready.poll()) {
                sink.writeToCopy(chunk, 0, chunk.length);
            }
            for (byte[] chunk = next(); chunk != null; chunk = next()) {
                sink.writeToCopy(chunk, 0, chunk.length);
            }
            return sink.endCopy();
        } finally {
            if (sink.isActive()) {
                sink.cancelCopy();
            }
        }
    }
}
