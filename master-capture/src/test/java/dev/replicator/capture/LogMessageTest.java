package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LogMessageTest {
    @Test
    void shouldReadBackWhatItWrote() {
        assertEquals(
                Optional.of(new LogMessage(List.of(16385, -1), "g-1")),
                LogMessage.parse(LogMessage.dump("g-1", List.of(16385, -1))));
        assertEquals(Optional.of(new LogMessage(List.of(0), "w7")), LogMessage.parse(LogMessage.mark("w7")));
    }

    @Test
    void shouldIgnoreWhatOthersWriteUnderOurPrefix() {
        for (String text : List.of("", "mark", "mark ", "dump g", "dump g x", "dump  1", "something else")) {
            assertEquals(Optional.empty(), LogMessage.parse(text), text);
        }
    }
}
