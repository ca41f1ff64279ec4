package interop;

import static interop.Steps.equal;
import static interop.Steps.refused;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.client.SearchResultHandler;
import com.unboundid.scim2.common.exceptions.BadRequestException;
import com.unboundid.scim2.common.exceptions.NotModifiedException;
import com.unboundid.scim2.common.exceptions.PreconditionFailedException;
import com.unboundid.scim2.common.exceptions.ResourceConflictException;
import com.unboundid.scim2.common.exceptions.ResourceNotFoundException;
import com.unboundid.scim2.common.filters.Filter;
import com.unboundid.scim2.common.messages.ListResponse;
import com.unboundid.scim2.common.messages.SortOrder;
import com.unboundid.scim2.common.types.Email;
import com.unboundid.scim2.common.types.EnterpriseUserExtension;
import com.unboundid.scim2.common.types.Name;
import com.unboundid.scim2.common.types.UserResource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;

/** A user from cradle to grave, and the searches in between. */
final class Users {
  private static final String NAME = "ines@demo.example";

  private final Steps steps;
  private final ScimService scim;
  private UserResource ines;

  Users(Steps steps, ScimService scim) {
    this.steps = steps;
    this.scim = scim;
  }

  /** A user that can be created. */
  static UserResource user(String userName) {
    return new UserResource()
        .setUserName(userName)
        .setActive(true)
        .setEmails(new Email().setValue(userName).setType("work").setPrimary(true));
  }

  void run() {
    lifecycle();
    search();
    patch();
    replaceAndDelete();
  }

  private void lifecycle() {
    steps.step("users: create", () -> {
      UserResource user = user(NAME)
          .setName(new Name().setGivenName("Inês").setFamilyName("Álvares"))
          .setTitle("Engineer");
      user.setExternalId("hr-1");
      user.setExtension(new EnterpriseUserExtension().setDepartment("R&D"));
      ines = scim.create("Users", user);
      equal(ines.getName().getGivenName(), "Inês");
      equal(ines.getExtension(EnterpriseUserExtension.class).getDepartment(), "R&D");
      equal(ines.getMeta().getResourceType(), "User");
    });
    steps.step("users: create again, 409 uniqueness", () -> {
      ResourceConflictException e = refused(ResourceConflictException.class, () -> scim.create("Users", user(NAME)));
      equal(e.getScimError().getScimType(), "uniqueness");
    });
    steps.step("users: retrieve, the same as was answered to create", () ->
        equal(scim.retrieve("Users", ines.getId(), UserResource.class), ines));
    steps.step("users: retrieve by meta.location", () ->
        equal(scim.retrieve(ines.getMeta().getLocation(), UserResource.class), ines));
    steps.step("users: retrieve some attributes", () -> {
      UserResource part = scim.retrieveRequest("Users", ines.getId()).attributes("userName", "name.familyName").invoke(UserResource.class);
      equal(part.getUserName(), NAME);
      equal(part.getName().getGivenName(), null);
      equal(part.getEmails() == null || part.getEmails().isEmpty(), true);
    });
  }

  private void search() {
    steps.step("users: search by userName", () -> {
      ListResponse<UserResource> found = scim.search("Users", Filter.eq("userName", NAME.toUpperCase()).toString(), UserResource.class);
      equal(found.getTotalResults(), 1);
      equal(found.getResources().get(0).getId(), ines.getId());
    });
    steps.step("users: search what no user has", () ->
        equal(scim.search("Users", "userName eq \"nobody@demo.example\"", UserResource.class).getTotalResults(), 0));
    steps.step("users: search by name and e-mail", () -> {
      Filter filter = Filter.and(Filter.sw("name.familyName", "Álv"), Filter.hasComplexValue("emails", Filter.eq("type", "work")));
      equal(scim.searchRequest("Users").filter(filter).invoke(UserResource.class).getTotalResults(), 1);
    });
    steps.step("users: search sorted, one page of five", () -> {
      ListResponse<UserResource> page = scim.searchRequest("Users").filter(Filter.pr("userName"))
          .sort("userName", SortOrder.DESCENDING).page(6, 5).invoke(UserResource.class);
      equal(page.getStartIndex(), 6);
      equal(page.getItemsPerPage(), 5);
      List<String> names = new ArrayList<>();
      page.forEach(user -> names.add(user.getUserName().toLowerCase()));
      List<String> sorted = new ArrayList<>(names);
      sorted.sort(Collections.reverseOrder());
      equal(names, sorted);
    });
    steps.step("users: search by POST, the same", () -> {
      Filter filter = Filter.eq("active", false);
      ListResponse<UserResource> got = scim.searchRequest("Users").filter(filter).invokePost(UserResource.class);
      equal(got, scim.searchRequest("Users").filter(filter).invoke(UserResource.class));
      equal(got.getTotalResults() > 0, true);
    });
    steps.step("users: every page, nobody twice", () -> {
      HashSet<String> ids = new HashSet<>();
      int start = 1;
      ListResponse<UserResource> page;
      do {
        page = scim.searchRequest("Users").page(start, 70).invoke(UserResource.class);
        page.forEach(user -> ids.add(user.getId()));
        start += page.getItemsPerPage();
      } while (start <= page.getTotalResults());
      equal(ids.size(), page.getTotalResults());
    });
    steps.step("users: every user, through the SDK's streaming parser", () -> {
      Counter counter = new Counter();
      scim.searchRequest("Users").invoke(counter, UserResource.class);
      equal(counter.resources, counter.total);
    });
    steps.step("users: a filter that is none, 400 invalidFilter", () -> {
      BadRequestException e = refused(BadRequestException.class, () -> scim.search("Users", "userName is \"x\"", UserResource.class));
      equal(e.getScimError().getScimType(), "invalidFilter");
    });
  }

  private void patch() {
    steps.step("users: patch, replace and add", () -> {
      ines = scim.modifyRequest("Users", ines.getId())
          .replaceValue("displayName", "Inês Álvares")
          .addValues("emails", new Email().setValue("ines@home.example").setType("home"))
          .invoke(UserResource.class);
      equal(ines.getDisplayName(), "Inês Álvares");
      equal(ines.getEmails().size(), 2);
    });
    steps.step("users: patch, remove an attribute and one e-mail address", () -> {
      ines = scim.modifyRequest("Users", ines.getId())
          .removeValues("title").removeValues("emails[type eq \"home\"]").invoke(UserResource.class);
      equal(ines.getTitle(), null);
      equal(ines.getEmails().size(), 1);
    });
    steps.step("users: patch the extension", () -> {
      ines = scim.modifyRequest("Users", ines.getId())
          .replaceValue("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "Sales").invoke(UserResource.class);
      equal(ines.getExtension(EnterpriseUserExtension.class).getDepartment(), "Sales");
    });
    steps.step("users: disable and enable", () -> {
      equal(scim.modifyRequest(ines).replaceValue("active", false).invoke().getActive(), false);
      equal(scim.modifyRequest(ines).replaceValue("active", true).invoke().getActive(), true);
    });
    steps.step("users: retrieve what has not changed, 304", () -> {
      ines = scim.retrieve(ines);
      refused(NotModifiedException.class, () -> scim.retrieveRequest(ines).ifNoneMatch().invoke());
    });
    steps.step("users: patch and delete only what is as it was, 412", () -> {
      UserResource before = ines;
      ines = scim.modifyRequest(before).ifMatch().replaceValue("nickName", "Ina").invoke();
      refused(PreconditionFailedException.class, () -> scim.modifyRequest(before).ifMatch().replaceValue("nickName", "Iná").invoke());
      refused(PreconditionFailedException.class, () -> scim.replaceRequest(before).ifMatch().invoke());
      refused(PreconditionFailedException.class,
          () -> scim.deleteRequest("Users", before.getId()).ifMatch(before.getMeta().getVersion()).invoke());
      equal(scim.retrieve(ines).getNickName(), "Ina");
    });
    steps.step("users: patch a read-only attribute, 400 mutability", () -> {
      BadRequestException e = refused(BadRequestException.class,
          () -> scim.modifyRequest("Users", ines.getId()).replaceValue("meta.location", "x").invoke(UserResource.class));
      equal(e.getScimError().getScimType(), "mutability");
    });
  }

  private void replaceAndDelete() {
    steps.step("users: replace", () -> {
      ines = scim.retrieve(ines);
      ines.setNickName("Né").setDisplayName(null);
      ines = scim.replace(ines);
      equal(ines.getNickName(), "Né");
      equal(ines.getDisplayName(), null);
      equal(ines.getExternalId(), "hr-1");
      equal(scim.retrieve(ines), ines);
    });
    steps.step("users: delete", () -> scim.delete(ines));
    steps.step("users: retrieve and delete what is gone, 404", () -> {
      refused(ResourceNotFoundException.class, () -> scim.retrieve("Users", ines.getId(), UserResource.class));
      refused(ResourceNotFoundException.class, () -> scim.delete("Users", ines.getId()));
    });
  }

  /** Counts what the SDK hands out while it reads an answer. */
  private static final class Counter implements SearchResultHandler<UserResource> {
    private int total = -1;
    private int resources;

    @Override
    public void totalResults(int totalResults) {
      total = totalResults;
    }

    @Override
    public boolean resource(UserResource resource) {
      resources++;
      return true;
    }

    @Override
    public void startIndex(int startIndex) {}

    @Override
    public void itemsPerPage(int itemsPerPage) {}

    @Override
    public void extension(String urn, ObjectNode extensionObjectNode) {}
  }
}
