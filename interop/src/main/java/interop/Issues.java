package interop;

import static interop.Steps.equal;
import static interop.Steps.refused;

import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.common.GenericScimResource;
import com.unboundid.scim2.common.exceptions.BadRequestException;
import com.unboundid.scim2.common.exceptions.ResourceNotFoundException;
import com.unboundid.scim2.common.filters.Filter;
import com.unboundid.scim2.common.messages.ListResponse;
import com.unboundid.scim2.common.messages.SortOrder;
import java.util.List;

/** Jira issues, a resource type that the SDK knows nothing of. */
final class Issues {
  private static final String URN = "urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue";

  private final Steps steps;
  private final ScimService scim;
  private GenericScimResource issue;

  Issues(Steps steps, ScimService scim) {
    this.steps = steps;
    this.scim = scim;
  }

  void run() {
    steps.step("issues: create", () -> {
      GenericScimResource draft = new GenericScimResource();
      draft.setSchemaUrns(URN);
      draft.replaceValue("project.key", "ENG").replaceValue("issueType.name", "Task").replaceValue("summary", "A badge for Inês");
      draft.addStringValues("labels", "door", "badge");
      issue = scim.create("Issues", draft);
      equal(issue.getStringValue("key").startsWith("ENG-"), true);
      equal(issue.getStringValueList("labels"), List.of("badge", "door"));
    });
    steps.step("issues: retrieve, the same; by key as well", () -> {
      equal(scim.retrieve("Issues", issue.getId(), GenericScimResource.class), issue);
      equal(scim.retrieve("Issues", issue.getStringValue("key"), GenericScimResource.class), issue);
    });
    steps.step("issues: create in a project that is none, 400", () -> {
      GenericScimResource draft = new GenericScimResource();
      draft.setSchemaUrns(URN);
      draft.replaceValue("project.key", "NONE").replaceValue("issueType.name", "Task").replaceValue("summary", "x");
      refused(BadRequestException.class, () -> scim.create("Issues", draft));
    });
    steps.step("issues: search", () -> {
      Filter filter = Filter.and(Filter.eq("project.key", "ENG"), Filter.eq("labels", "door"), Filter.co("summary", "badge"));
      ListResponse<GenericScimResource> found = scim.searchRequest("Issues").filter(filter).invoke(GenericScimResource.class);
      equal(found.getTotalResults(), 1);
      equal(found.getResources().get(0).getId(), issue.getId());
    });
    steps.step("issues: search sorted, one page", () -> {
      ListResponse<GenericScimResource> page = scim.searchRequest("Issues").filter("status.name eq \"Done\"")
          .sort("created", SortOrder.DESCENDING).page(1, 3).invoke(GenericScimResource.class);
      equal(page.getItemsPerPage(), 3);
      String before = "9";
      for (GenericScimResource found : page) {
        String created = found.getStringValue("created");
        equal(created.compareTo(before) <= 0, true);
        before = created;
      }
    });
    steps.step("issues: patch, a transition and a label", () -> {
      issue = scim.modifyRequest("Issues", issue.getId())
          .replaceValue("status.name", "In Progress").addValues("labels", "urgent").invoke(GenericScimResource.class);
      equal(issue.getStringValue("status.name"), "In Progress");
      equal(issue.getStringValueList("labels").contains("urgent"), true);
    });
    steps.step("issues: patch what is read-only, 400 mutability", () -> {
      BadRequestException e = refused(BadRequestException.class,
          () -> scim.modifyRequest("Issues", issue.getId()).replaceValue("key", "ENG-1").invoke(GenericScimResource.class));
      equal(e.getScimError().getScimType(), "mutability");
    });
    steps.step("issues: replace", () -> {
      issue.replaceValue("summary", "Two badges for Inês");
      issue = scim.replace(issue);
      equal(issue.getStringValue("summary"), "Two badges for Inês");
    });
    steps.step("issues: delete, then 404", () -> {
      scim.delete(issue);
      refused(ResourceNotFoundException.class, () -> scim.retrieve("Issues", issue.getId(), GenericScimResource.class));
    });
  }
}
