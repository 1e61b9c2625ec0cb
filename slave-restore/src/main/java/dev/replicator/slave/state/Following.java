package dev.replicator.slave.state;

import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** Statements that travel to the server behind another one, in the same message: each message is a wait for its answer. */
public interface Following {
    /** Nothing follows. */
    Following NOTHING = new Following() {
        @Override
        public List<String> texts() {
            return List.of();
        }

        @Override
        public void answered(Statement statement) {
            // Nothing was asked.
        }
    };

    /** SQL texts without parameters, in their order. */
    List<String> texts();

    /**
     * Reads what the server answered, if there are any texts.
     *
     * @param statement that stands at the result of the first text
     */
    void answered(Statement statement) throws SQLException;
}
