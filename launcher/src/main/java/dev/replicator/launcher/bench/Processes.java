package dev.replicator.launcher.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What Linux tells about processes of this machine (proc(5)). */
final class Processes {
    /** USER_HZ, which is 100 on every architecture that Linux runs Java on. */
    private static final double TICKS_PER_SECOND = 100;

    private Processes() {}

    /** @param name of the signal, for example STOP */
    static void signal(String name, long pid) throws IOException, InterruptedException {
        int exit = new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                .inheritIO()
                .start()
                .waitFor();
        if (exit != 0) {
            throw new IOException("sending SIG" + name + " to process " + pid + ": kill ended with " + exit);
        }
    }

    /** CPU seconds that the process has used, user and system. */
    static double cpuSeconds(long pid) throws IOException {
        String[] fields = fields(pid);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
    }

    /** Bytes that it has read from files, from memory or disk (rchar; what came over sockets is not in it). */
    static long readBytes(long pid) throws IOException {
        return labelled(pid, "io", "rchar:");
    }

    /** CPU seconds of a process and all that it has started, those that have ended included. */
    static double treeCpuSeconds(long pid) throws IOException {
        double sum = 0;
        String[] fields = fields(pid);
        for (int field = 11; field <= 14; field++) {
            sum += Long.parseLong(fields[field]) / TICKS_PER_SECOND;
        }
        for (ProcessHandle child :
                ProcessHandle.of(pid).stream().flatMap(ProcessHandle::children).toList()) {
            try {
                sum += treeCpuSeconds(child.pid());
            } catch (NoSuchFileException ended) {
                // The parent's sum has it the next time.
                continue;
            }
        }
        return sum;
    }

    /** Fields of stat from the third on; utime is number 11 here, then stime, cutime, cstime. */
    private static String[] fields(long pid) throws IOException {
        // The name in parentheses may hold blanks: fields count from behind it.
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    }

    /** VmHWM. */
    static long greatestResidentKib(long pid) throws IOException {
        return labelled(pid, "status", "VmHWM:");
    }

    private static long labelled(long pid, String file, String label) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/" + file), StandardCharsets.ISO_8859_1)) {
            if (line.startsWith(label)) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new NoSuchFileException(label + " of process " + pid);
    }
}
