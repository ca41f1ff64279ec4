package tools;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;

/** The steps that every client plays, for those in Java; see drive.py for the lines that are written. */
public final class Session {
  public static final String URL = System.getenv("SCIM_URL");
  public static final String TOKEN = System.getenv("SCIM_TOKEN");
  public static final String USER = System.getenv("USER_NAME");
  public static final String GROUP = System.getenv("GROUP_NAME");

  private static final BufferedReader ANSWERS = new BufferedReader(new InputStreamReader(System.in));
  private static boolean failed;

  private Session() {}

  /** A step; for one that reads, what it gives is what the tool saw: a text, a number or a list of texts. */
  public interface Step {
    Object play() throws Exception;
  }

  /** A step that only writes. */
  public interface Change {
    void play() throws Exception;
  }

  public static void change(String name, Change change) {
    step(name, () -> {
      change.play();
      return null;
    });
  }

  public static void step(String name, Step step) {
    Object saw;
    try {
      saw = step.play();
    } catch (Exception | LinkageError e) {
      failed = true;
      e.printStackTrace();
      say("{\"failed\": %s, \"why\": %s}", name, e.toString());
      return;
    }
    say("{\"did\": %s, \"saw\": " + json(saw) + "}", name);
  }

  public static void cannot(String name, String why) {
    say("{\"cannot\": %s, \"why\": %s}", name, why);
  }

  /** Ends the program, also where the tool left threads behind. */
  public static void end() {
    System.exit(failed ? 1 : 0);
  }

  private static void say(String form, String... texts) {
    for (String text : texts) {
      form = form.replaceFirst("%s", java.util.regex.Matcher.quoteReplacement(json(text)));
    }
    System.out.println(form);
    System.out.flush();
    try {
      ANSWERS.readLine();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String json(Object value) {
    if (value instanceof List<?> list) {
      return "[" + String.join(", ", list.stream().map(Session::json).toList()) + "]";
    }
    if (!(value instanceof String text)) {
      return String.valueOf(value);
    }
    StringBuilder quoted = new StringBuilder("\"");
    text.chars().forEach(c -> quoted.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : String.valueOf((char) c)));
    return quoted.append('"').toString();
  }
}
