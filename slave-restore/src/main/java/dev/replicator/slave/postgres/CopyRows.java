package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Inserts rows by COPY in text format. COPY writes given values into GENERATED ALWAYS identity columns as they are, and
 * checks length modifiers like an assignment does.
 */
final class CopyRows {
    private static final int CHUNK = 1 << 16;

    private final StringBuilder buffer = new StringBuilder(CHUNK + 1024);
    private final CopyIn copy;

    private CopyRows(CopyIn copy) {
        this.copy = copy;
    }

    /**
     * Copies rows.
     *
     * @param rows row images
     * @param indexes position in the image per target column
     * @return number of rows the server stored
     */
    static long insert(
            Connection connection, TableName table, List<TargetColumn> columns, List<Object[]> rows, int[] indexes)
            throws SQLException {
        CopyIn copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn("COPY " + table.quoted() + " (" + Sql.columns(columns) + ") FROM STDIN");
        try {
            CopyRows writer = new CopyRows(copy);
            for (Object[] row : rows) {
                writer.write(row, indexes);
            }
            writer.send();
            return copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    private void write(Object[] row, int[] indexes) throws SQLException {
        for (int i = 0; i < indexes.length; i++) {
            if (i > 0) {
                buffer.append('\t');
            }
            String text = Values.text(row[indexes[i]]);
            if (text == null) {
                buffer.append("\\N");
            } else {
                escape(text);
            }
        }
        buffer.append('\n');
        if (buffer.length() >= CHUNK) {
            send();
        }
    }

    private void escape(String text) {
        int clean = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            char replacement =
                    switch (c) {
                        case '\\' -> '\\';
                        case '\t' -> 't';
                        case '\n' -> 'n';
                        case '\r' -> 'r';
                        default -> 0;
                    };
            if (replacement != 0) {
                buffer.append(text, clean, i).append('\\').append(replacement);
                clean = i + 1;
            }
        }
        buffer.append(text, clean, text.length());
    }

    private void send() throws SQLException {
        byte[] bytes = buffer.toString().getBytes(StandardCharsets.UTF_8);
        buffer.setLength(0);
        copy.writeToCopy(bytes, 0, bytes.length);
    }
}
