package tools;

import static tools.Session.GROUP;
import static tools.Session.USER;
import static tools.Session.change;
import static tools.Session.step;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.databricks.sdk.service.iam.CreateGroupRequest;
import com.databricks.sdk.service.iam.CreateUserRequest;
import com.databricks.sdk.service.iam.ListUsersRequest;
import com.databricks.sdk.service.iam.Name;
import com.databricks.sdk.service.iam.Patch;
import com.databricks.sdk.service.iam.PatchGroupRequest;
import com.databricks.sdk.service.iam.PatchOp;
import com.databricks.sdk.service.iam.PatchSchema;
import com.databricks.sdk.service.iam.PatchUserRequest;
import com.databricks.sdk.service.iam.UpdateUserRequest;
import com.databricks.sdk.service.iam.User;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

public final class Databricks {
  private static final List<PatchSchema> SCHEMAS = List.of(PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP);
  private static final WorkspaceClient W = new WorkspaceClient(
      new DatabricksConfig().setHost(Session.URL).setToken(Session.TOKEN).setAuthType("pat"));
  private static String user;
  private static String group;

  public static void main(String[] arguments) {
    change("create", () -> user = W.usersV2().create(new CreateUserRequest().setUserName(USER).setDisplayName("Ann Tool")
        .setName(new Name().setGivenName("Ann").setFamilyName("Tool")).setActive(true)).getId());
    step("read", () -> W.usersV2().get(user).getUserName());
    step("list", () -> ids(new ListUsersRequest()).size());
    step("filter", () -> ids(new ListUsersRequest().setFilter("userName eq \"" + USER + "\"")));
    change("change", () -> patch("displayName", "Ann Changed"));
    change("disable", () -> patch("active", false));
    change("enable", () -> {
      User u = W.usersV2().get(user);
      W.usersV2().update(new UpdateUserRequest().setId(user).setUserName(u.getUserName()).setDisplayName(u.getDisplayName())
          .setName(u.getName()).setEmails(u.getEmails()).setActive(true));
    });
    change("group", () -> group = W.groupsV2().create(new CreateGroupRequest().setDisplayName(GROUP)).getId());
    change("join", () -> members(new Patch().setOp(PatchOp.ADD).setPath("members").setValue(List.of(Map.of("value", user)))));
    change("leave", () -> members(new Patch().setOp(PatchOp.REMOVE).setPath("members[value eq \"" + user + "\"]")));
    change("ungroup", () -> W.groupsV2().delete(group));
    change("delete", () -> W.usersV2().delete(user));
    Session.end();
  }

  private static List<String> ids(ListUsersRequest request) {
    List<String> ids = new ArrayList<>();
    W.usersV2().list(request).forEach(u -> ids.add(u.getId()));
    return ids;
  }

  private static void patch(String path, Object value) {
    W.usersV2().patch(new PatchUserRequest().setId(user).setSchemas(SCHEMAS)
        .setOperations(List.of(new Patch().setOp(PatchOp.REPLACE).setPath(path).setValue(value))));
  }

  private static void members(Patch operation) {
    W.groupsV2().patch(new PatchGroupRequest().setId(group).setSchemas(SCHEMAS).setOperations(List.of(operation)));
  }
}
